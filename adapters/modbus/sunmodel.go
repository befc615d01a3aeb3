package modbus

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
)

//go:embed sunspec.txt
var sunText string

// sunModels are the SunSpec information models that are known, by id. One table serves all ids of a family: what one phase lacks is not
// implemented there, and says so.
var sunModels = readSunModels(sunText)

// sunModel is one information model.
type sunModel struct {
	family string // what its points are called after
	points []sunPoint
	module []sunPoint // of the block that repeats; offsets are within it
}

// sunPoint is one point of a model. offset is counted from the model's id register.
type sunPoint struct {
	name      string
	kind      string
	offset    int
	registers int
	scale     string // the point that holds its power of ten
	unit      string
	write     bool
}

// sunType is how a type of SunSpec's is read (Information Model Specification, "Data Types"): which raw number means that it is not implemented.
type sunType struct {
	kind      Type
	registers int
	absent    string
}

var sunTypes = map[string]sunType{
	"u16": {Uint16, 1, "0xFFFF"}, "i16": {Int16, 1, "0x8000"}, "e16": {Uint16, 1, "0xFFFF"}, "b16": {Uint16, 1, "0xFFFF"}, "sf": {Int16, 1, "0x8000"},
	"u32": {Uint32, 2, "0xFFFFFFFF"}, "i32": {Int32, 2, "0x80000000"}, "b32": {Uint32, 2, "0xFFFFFFFF"}, "acc32": {Uint32, 2, ""},
	"acc64": {Uint64, 4, ""}, "f32": {Float32, 2, "nan"},
}

// sunTypeOf also knows strings: str16 is one of 16 registers.
func sunTypeOf(kind string) sunType {
	if n, ok := strings.CutPrefix(kind, "str"); ok {
		registers, err := strconv.Atoi(n)
		if err != nil {
			panic("BUG: sunspec.txt: " + kind)
		}
		return sunType{kind: Text, registers: registers}
	}
	t, ok := sunTypes[kind]
	if !ok {
		panic("BUG: sunspec.txt: " + kind)
	}
	return t
}

func readSunModels(text string) map[uint16]*sunModel {
	models := map[uint16]*sunModel{}
	var m *sunModel
	var offset int
	var to *[]sunPoint
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || words[0] == "#":
		case words[0] == "model":
			m = &sunModel{family: words[1]}
			for _, id := range words[2:] {
				n, err := strconv.ParseUint(id, 10, 16)
				if err != nil {
					panic("BUG: sunspec.txt: " + line)
				}
				models[uint16(n)] = m
			}
			offset, to = 2, &m.points
		case words[0] == "module":
			offset, to = 0, &m.module
		default:
			p := sunPoint{name: words[0], kind: words[1], offset: offset, registers: sunTypeOf(words[1]).registers}
			for _, w := range words[2:] {
				if unit, ok := strings.CutPrefix(w, "unit="); ok {
					p.unit = unit
				} else if w == "rw" {
					p.write = true
				} else {
					p.scale = w
				}
			}
			*to = append(*to, p)
			offset += p.registers
		}
	}
	return models
}

func (m *sunModel) registers() (fixed, module int) {
	for _, p := range m.points {
		fixed += p.registers
	}
	for _, p := range m.module {
		module += p.registers
	}
	return fixed, module
}

// point finds a point by its name; of a module when there is one.
func (m *sunModel) point(ref SunRef) (sunPoint, bool) {
	points := m.points
	if ref.Module > 0 {
		points = m.module
	}
	for _, p := range points {
		if p.name == ref.Point {
			if ref.Module > 0 {
				fixed, module := m.registers()
				p.offset += 2 + fixed + (int(ref.Module)-1)*module
			}
			return p, true
		}
	}
	return sunPoint{}, false
}

// SunRef is a place in a SunSpec model, wherever the device keeps that: 103.W, and 160.2.DCW in the second module. The zero SunRef is none.
type SunRef struct {
	Model  uint16
	Module uint8 // from 1; 0: the point is in no module
	Point  string
}

const howToWriteSun = "write sunspec:103.W, or sunspec:160.2.DCW for the second module"

func parseSunRef(text string) (ref SunRef, err error) {
	parts := strings.Split(text, ".")
	if len(parts) != 2 && len(parts) != 3 {
		return ref, fmt.Errorf("%q names no point of a SunSpec model", text)
	}
	model, err := strconv.ParseUint(parts[0], 10, 16)
	if err != nil || sunModels[uint16(model)] == nil {
		return ref, fmt.Errorf("SunSpec model %q is not known here", parts[0])
	}
	ref = SunRef{Model: uint16(model), Point: parts[len(parts)-1]}
	if len(parts) == 3 {
		n, err := strconv.ParseUint(parts[1], 10, 8)
		if err != nil || n == 0 {
			return ref, fmt.Errorf("%q is no number of a module; they count from 1", parts[1])
		}
		ref.Module = uint8(n)
	}
	if _, ok := sunModels[ref.Model].point(ref); !ok {
		return ref, fmt.Errorf("SunSpec model %d has no point %q", model, ref.Point)
	}
	return ref, nil
}

func (r SunRef) String() string {
	if r.Module > 0 {
		return fmt.Sprintf("sunspec:%d.%d.%s", r.Model, r.Module, r.Point)
	}
	return fmt.Sprintf("sunspec:%d.%s", r.Model, r.Point)
}

// definition is what the model says of the point.
func (r SunRef) definition() sunPoint {
	p, _ := sunModels[r.Model].point(r)
	return p
}
