//go:build !amd64

package fft

func (c *columns) frequency(s *stage, strip Planes, src rows, n int) {
	c.frequencyGeneric(s, strip, src, n)
}

func (c *columns) time(s *stage, strip Planes) { c.timeGeneric(s, strip) }

func (c *columns) plain(s *stage, strip Planes) { c.plainGeneric(s, strip) }

func (c *columns) transpose(dst strips, to []int, strip Planes, from []int) {
	transposeGeneric(dst, to, strip, from)
}

func (c *columns) spread(dst rows, src strips, from []int, first, end int) {
	spreadGeneric(dst, src, from, first, end)
}
