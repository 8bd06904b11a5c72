package kernel

import "unsafe"

// This file holds the portable twins of the kernels of convolutions. They make
// the same sums in the same order as the assembly, and differ from it where a
// fused multiply-add rounds once and Go rounds twice.

const maxWidth = 48 // of a panel

// int32At reads the value i of a list.
func int32At(p unsafe.Pointer, i int) int { return int(*(*int32)(unsafe.Add(p, 4*i))) }

// multiplyAdd computes sum += x row.
func multiplyAdd(sum []float32, x float32, row []float32) {
	row = row[:len(sum)]
	for j := range sum {
		sum[j] += float32(x * row[j])
	}
}

func multiplyTapsGeneric(p *tapsArgs) {
	for i := range tileRows {
		pixel := int32At(p.pixels, i)
		var sums [maxWidth]float32
		sum := sums[:p.width]
		if p.bias != nil {
			copy(sum, floats(p.bias, p.width))
		}
		for t := range p.taps {
			record := unsafe.Add(p.records, 4*recordSize*t)
			source := int32At(record, i)
			if source < 0 {
				continue
			}
			a := floatsAt(p.a, source*p.lda, p.k/4)
			b := unsafe.Add(p.b, p.tapStep*int32At(record, tileRows))
			for k, x := range a {
				multiplyAdd(sum, x, floatsAt(b, p.ldb*k, p.width))
			}
		}
		if pixel < 0 {
			continue
		}
		if p.residual != nil {
			for j, x := range floatsAt(p.residual, pixel*p.ldr, p.width) {
				sum[j] += x
			}
		}
		copy(floatsAt(p.c, pixel*p.ldc, p.width), sum)
	}
}

func multiplyPairsGeneric(p *pairsArgs) {
	pairs := unsafe.Slice((*pair)(p.pairs), p.k)
	for i := range p.rows {
		var sums [maxWidth]float32
		sum := sums[:p.width]
		for _, at := range pairs {
			x := *(*float32)(unsafe.Add(p.a, at.source+4*i))
			multiplyAdd(sum, x, floatsAt(p.b, at.result, p.width))
		}
		storeRow(floatsAt(p.c, i*p.ldc, p.width), sum, p.add)
	}
}

func multiplyPlaneGeneric(p *planeArgs) {
	for i := range p.rows {
		var sums [maxWidth]float32
		sum := sums[:p.width]
		for k, x := range floatsAt(p.a, i*p.lda, p.k) {
			multiplyAdd(sum, x, floatsAt(p.b, p.ldb*k, p.width))
		}
		storeRow(floatsAt(p.c, i*p.ldc, p.width), sum, p.add)
	}
}

func multiplyTilesGeneric(p *tilesArgs) {
	for i := range p.rows {
		a := unsafe.Add(p.a, i/vector*p.lda+4*(i%vector))
		row := floatsAt(p.c, i*p.ldc, p.width)
		for column := 0; column < p.width; column += vector {
			var sum [vector]float32
			for t := range p.k {
				b := floatsAt(p.b, column/vector*p.ldb+vectorBytes*t, vector)
				multiplyAdd(sum[:], *(*float32)(unsafe.Add(a, vectorBytes*t)), b)
			}
			storeRow(row[column:][:vector], sum[:], p.add)
		}
	}
}

// storeRow stores a row of sums, or adds it.
func storeRow(c, sum []float32, add int) {
	if add != 0 {
		for j, x := range c {
			sum[j] += x
		}
	}
	copy(c, sum)
}

func sumRowsGeneric(p *sumArgs) {
	var sum [vector]float32
	for i := range p.rows {
		for j, x := range floatsAt(p.src, i*p.stride, vector) {
			sum[j] += x
		}
	}
	for j := range sum {
		floats(p.dst, vector)[j] += sum[j]
	}
}
