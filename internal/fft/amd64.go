//go:build amd64

package fft

import "retrace/internal/kernel"

//go:noescape
func frequency2AVX512(args *stageArgs)

//go:noescape
func time2AVX512(args *stageArgs)

//go:noescape
func plain2AVX512(args *stageArgs)

//go:noescape
func frequency3AVX512(args *stageArgs)

//go:noescape
func time3AVX512(args *stageArgs)

//go:noescape
func plain3AVX512(args *stageArgs)

//go:noescape
func frequency4AVX512(args *stageArgs)

//go:noescape
func time4AVX512(args *stageArgs)

//go:noescape
func plain4AVX512(args *stageArgs)

//go:noescape
func frequency5AVX512(args *stageArgs)

//go:noescape
func time5AVX512(args *stageArgs)

//go:noescape
func plain5AVX512(args *stageArgs)

//go:noescape
func frequency8AVX512(args *stageArgs)

//go:noescape
func time8AVX512(args *stageArgs)

//go:noescape
func plain8AVX512(args *stageArgs)

//go:noescape
func transposeAVX512(args *transposeArgs)

//go:noescape
func spreadAVX512(args *spreadArgs)

//go:noescape
func frequency2AVX2(args *stageArgs)

//go:noescape
func time2AVX2(args *stageArgs)

//go:noescape
func plain2AVX2(args *stageArgs)

//go:noescape
func frequency3AVX2(args *stageArgs)

//go:noescape
func time3AVX2(args *stageArgs)

//go:noescape
func plain3AVX2(args *stageArgs)

//go:noescape
func frequency4AVX2(args *stageArgs)

//go:noescape
func time4AVX2(args *stageArgs)

//go:noescape
func plain4AVX2(args *stageArgs)

//go:noescape
func frequency5AVX2(args *stageArgs)

//go:noescape
func time5AVX2(args *stageArgs)

//go:noescape
func plain5AVX2(args *stageArgs)

//go:noescape
func frequency8AVX2(args *stageArgs)

//go:noescape
func time8AVX2(args *stageArgs)

//go:noescape
func plain8AVX2(args *stageArgs)

//go:noescape
func transposeAVX2(args *transposeArgs)

//go:noescape
func spreadAVX2(args *spreadArgs)

// The functions below choose by switches, not by tables of function values:
// calls through such a table would move their arguments to the heap.

// frequency runs a stage with twiddle factors at the outputs on n columns of
// src; outputs take the places of the inputs.
func (c *columns) frequency(s *stage, strip Planes, src rows, n int) {
	if c.level == kernel.Generic {
		c.frequencyGeneric(s, strip, src, n)
		return
	}
	args := stageArgs{
		srcRe: &src.Re[0], srcIm: &src.Im[0], dstRe: &strip.Re[0], dstIm: &strip.Im[0],
		twiddles: &s.twiddles[0], srcPitch: bytes(src.pitch), span: s.span, blocks: s.blocks,
	}
	if c.level == kernel.AVX512 {
		frequencyAVX512(s.radix, &args)
	} else {
		frequencyAVX2(s.radix, &args)
	}
}

// time runs a stage with twiddle factors at the inputs.
func (c *columns) time(s *stage, strip Planes) {
	if c.level == kernel.Generic {
		c.timeGeneric(s, strip)
		return
	}
	args := stageArgs{
		dstRe: &strip.Re[0], dstIm: &strip.Im[0],
		twiddles: &s.twiddles[0], span: s.span, blocks: s.blocks,
	}
	if c.level == kernel.AVX512 {
		timeAVX512(s.radix, &args)
	} else {
		timeAVX2(s.radix, &args)
	}
}

// plain runs a stage without twiddle factors.
func (c *columns) plain(s *stage, strip Planes) {
	if c.level == kernel.Generic {
		c.plainGeneric(s, strip)
		return
	}
	args := stageArgs{dstRe: &strip.Re[0], dstIm: &strip.Im[0], blocks: s.blocks}
	if c.level == kernel.AVX512 {
		plainAVX512(s.radix, &args)
	} else {
		plainAVX2(s.radix, &args)
	}
}

// transpose copies a strip to rows of strips: its row at from[k] to column k,
// its column l to the row at to[l].
func (c *columns) transpose(dst strips, to []int, strip Planes, from []int) {
	if c.level == kernel.Generic {
		transposeGeneric(dst, to, strip, from)
		return
	}
	args := transposeArgs{
		src: &strip.Re[0], dst: &dst.Re[0], from: &from[0], to: &to[0],
		dstStep: bytes(dst.step()), count: len(from) / lanes,
	}
	c.transposePart(&args)
	args.src, args.dst = &strip.Im[0], &dst.Im[0]
	c.transposePart(&args)
}

func (c *columns) transposePart(args *transposeArgs) {
	if c.level == kernel.AVX512 {
		transposeAVX512(args)
	} else {
		transposeAVX2(args)
	}
}

// spread copies the columns first to end-1 of strips, which have row k at
// from[k], to planes.
func (c *columns) spread(dst rows, src strips, from []int, first, end int) {
	if c.level == kernel.Generic {
		spreadGeneric(dst, src, from, first, end)
		return
	}
	at := first / lanes * src.step()
	args := spreadArgs{
		src: &src.Re[at], dst: &dst.Re[first], from: &from[0],
		srcStep: bytes(src.step()), dstPitch: bytes(dst.pitch),
		strips: (end - first) / lanes, height: src.height,
	}
	c.spreadPart(&args)
	args.src, args.dst = &src.Im[at], &dst.Im[first]
	c.spreadPart(&args)
}

func (c *columns) spreadPart(args *spreadArgs) {
	if c.level == kernel.AVX512 {
		spreadAVX512(args)
	} else {
		spreadAVX2(args)
	}
}

func frequencyAVX512(radix int, args *stageArgs) {
	switch radix {
	case 2:
		frequency2AVX512(args)
	case 3:
		frequency3AVX512(args)
	case 4:
		frequency4AVX512(args)
	case 5:
		frequency5AVX512(args)
	case 8:
		frequency8AVX512(args)
	}
}

func timeAVX512(radix int, args *stageArgs) {
	switch radix {
	case 2:
		time2AVX512(args)
	case 3:
		time3AVX512(args)
	case 4:
		time4AVX512(args)
	case 5:
		time5AVX512(args)
	case 8:
		time8AVX512(args)
	}
}

func plainAVX512(radix int, args *stageArgs) {
	switch radix {
	case 2:
		plain2AVX512(args)
	case 3:
		plain3AVX512(args)
	case 4:
		plain4AVX512(args)
	case 5:
		plain5AVX512(args)
	case 8:
		plain8AVX512(args)
	}
}

func frequencyAVX2(radix int, args *stageArgs) {
	switch radix {
	case 2:
		frequency2AVX2(args)
	case 3:
		frequency3AVX2(args)
	case 4:
		frequency4AVX2(args)
	case 5:
		frequency5AVX2(args)
	case 8:
		frequency8AVX2(args)
	}
}

func timeAVX2(radix int, args *stageArgs) {
	switch radix {
	case 2:
		time2AVX2(args)
	case 3:
		time3AVX2(args)
	case 4:
		time4AVX2(args)
	case 5:
		time5AVX2(args)
	case 8:
		time8AVX2(args)
	}
}

func plainAVX2(radix int, args *stageArgs) {
	switch radix {
	case 2:
		plain2AVX2(args)
	case 3:
		plain3AVX2(args)
	case 4:
		plain4AVX2(args)
	case 5:
		plain5AVX2(args)
	case 8:
		plain8AVX2(args)
	}
}
