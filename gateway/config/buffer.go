package config

import (
	"path/filepath"
	"time"
)

// Full says what gives way when the buffer is full.
type Full string

// What gives way when the buffer is full.
const (
	DropOldest Full = "drop-oldest"
	DropNewest Full = "drop-newest"
	Downsample Full = "downsample" // nothing gives way before it is as coarse as it gets
)

// Buffer is the durable queue's settings.
type Buffer struct {
	Path    string        // default STATE/buffer
	MaxSize int64         // bytes; default 8 GiB
	MaxAge  time.Duration // 0: no limit
	Full    Full
	Flush   time.Duration // what a power cut can take; default 1s; 0: every sample is on disk before the next one is read (`always`)
	Keep    []string      // point names or globs that give way last, and the word alarms
}

// UnmarshalText reads drop-oldest, drop-newest or downsample.
func (f *Full) UnmarshalText(text []byte) error {
	switch Full(text) {
	case DropOldest, DropNewest, Downsample:
		*f = Full(text)
		return nil
	}
	return wrong(suggest(string(text), []string{string(DropOldest), string(DropNewest), string(Downsample)}), "%q says nothing of what gives way", text)
}

// flush is a duration, or always, which is none.
type flush time.Duration

func (f *flush) UnmarshalText(text []byte) error {
	if string(text) == "always" {
		*f = 0
		return nil
	}
	d, err := readDuration(string(text))
	if err != nil {
		return err
	}
	*f = flush(d)
	return nil
}

// bufferKeys is the section `buffer`.
type bufferKeys struct {
	Path    string        `yaml:"path" path:"true"`
	MaxSize size          `yaml:"max_size"`
	MaxAge  time.Duration `yaml:"max_age"`
	Full    Full          `yaml:"full"`
	Flush   flush         `yaml:"flush"`
	Keep    []string      `yaml:"keep"`
}

// minBuffer is below what one segment of the buffer takes.
const minBuffer = 16 << 20

func (l *loading) buffer(n *node, state string) Buffer {
	k := bufferKeys{Path: filepath.Join(state, "buffer"), MaxSize: 8 << 30, Full: DropOldest, Flush: flush(time.Second)}
	f := newForm(l.found, "the section buffer", atOf(n), &k)
	f.section(n)
	if g, ok := f.got("max_size"); ok && !g.spoiled && k.MaxSize < minBuffer {
		f.wrongValue("max_size", "8GiB is the default", "%s is less than 16MiB, which the buffer needs to move at all", g.value.raw)
	}
	return Buffer{Path: k.Path, MaxSize: int64(k.MaxSize), MaxAge: k.MaxAge, Full: k.Full, Flush: time.Duration(k.Flush), Keep: k.Keep}
}
