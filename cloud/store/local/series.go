package local

import (
	"context"
)

// series is what compaction knows of one point.
type series struct {
	id    int64
	fresh bool // not in the table yet
}

// catalog is the points of one thing during a pass of compaction. Only compaction numbers points, so nothing
// changes under it.
type catalog struct {
	thing  int64
	points map[string]*series
	next   int64 // the next free number in the thing's last page; 0 when that is full
	page   int64 // the next page that no thing has
}

func loadCatalog(ctx context.Context, c *conn, thing int64) (*catalog, error) {
	cat := &catalog{thing: thing, points: map[string]*series{}}
	var last int64
	err := c.each(ctx, "SELECT point, id FROM series WHERE thing = ?", []any{thing}, func(scan func(...any) error) error {
		var point string
		s := &series{}
		err := scan(&point, &s.id)
		cat.points[point] = s
		last = max(last, s.id)
		return err
	})
	if err != nil {
		return nil, err
	}
	cat.advance(last)
	var highest int64
	if err := c.one(ctx, "SELECT coalesce(max(id), 0) FROM series", nil, &highest); err != nil {
		return nil, err
	}
	cat.page = highest>>pageBits + 1
	return cat, nil
}

// advance sets next to the number after id, or to 0 at the end of its page.
func (cat *catalog) advance(id int64) {
	if cat.next = id + 1; cat.next&pageMask == 0 || id == 0 {
		cat.next = 0
	}
}

// number gives the series of a point, a new one if need be.
func (cat *catalog) number(point string) *series {
	if s, ok := cat.points[point]; ok {
		return s
	}
	if cat.next == 0 {
		cat.next = cat.page << pageBits
		cat.page++
	}
	s := &series{id: cat.next, fresh: true}
	cat.points[point] = s
	cat.advance(cat.next)
	return s
}

// save writes the points that are new.
func (cat *catalog) save(c *conn) error {
	for point, s := range cat.points {
		if !s.fresh {
			continue
		}
		if _, err := c.exec(context.Background(), "INSERT INTO series (id, thing, point) VALUES (?, ?, ?)", s.id, cat.thing, point); err != nil {
			return err
		}
	}
	return nil
}

// widen notes that a chunk of the series covers that much time.
func widen(c *conn, series, span int64) error {
	_, err := c.exec(context.Background(), "UPDATE series SET span = ? WHERE id = ? AND span < ?", span, series, span)
	return err
}
