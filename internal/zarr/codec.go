package zarr

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// A chunk file is zstd(shuffle(values)). The shuffle gathers the first bytes
// of all values, then the second bytes, and so on: sign and exponent, which
// change little from value to value, come together and compress; the mantissa
// of a turbulent field is noise either way.

const compressionLevel = 3

var encoders = sync.Pool{New: func() any {
	// A panic here is impossible but for wrong options, which are constants.
	e, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(true),
		zstd.WithSingleSegment(true), // always states the size, which numcodecs needs
		zstd.WithEncoderLevel(zstd.EncoderLevelFromZstd(compressionLevel)))
	if err != nil {
		panic("zarr: " + err.Error())
	}
	return e
}}

var decoders = sync.Pool{New: func() any {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecodeAllCapLimit(true),
		zstd.WithDecoderMaxWindow(maxChunk))
	if err != nil {
		panic("zarr: " + err.Error())
	}
	return d
}}

// pack turns the raw bytes of a chunk into those of its file.
func (a *Array) pack(raw []byte) []byte {
	for _, size := range a.format.shuffles {
		shuffled := make([]byte, len(raw))
		shuffle(shuffled, raw, size)
		raw = shuffled
	}
	if !a.format.compressed {
		return raw
	}
	encoder := encoders.Get().(*zstd.Encoder)
	defer encoders.Put(encoder)
	return encoder.EncodeAll(raw, make([]byte, 0, len(raw)/2))
}

// bestRatio is more than zstd can reach: a block of at most 128 KiB takes at
// least 4 bytes.
const bestRatio = 1 << 15

// leastFile is the least size that the file of a chunk can have.
func (a *Array) leastFile() int {
	if a.format.compressed {
		return a.chunkBytes() / bestRatio
	}
	return a.chunkBytes()
}

// unpack turns the bytes of a chunk file into the raw bytes of the chunk.
func (a *Array) unpack(file []byte) ([]byte, error) {
	raw, want := file, a.chunkBytes()
	if len(file) < a.leastFile() {
		return nil, fmt.Errorf("%d bytes cannot hold the %d of a chunk", len(file), want)
	}
	if a.format.compressed {
		decoder := decoders.Get().(*zstd.Decoder)
		defer decoders.Put(decoder)
		var err error
		raw, err = decoder.DecodeAll(file, make([]byte, 0, want))
		if errors.Is(err, zstd.ErrDecoderSizeExceeded) {
			return nil, fmt.Errorf("it holds more than the %d bytes of a chunk", want)
		}
		if err != nil {
			return nil, fmt.Errorf("zstd: %w", err)
		}
	}
	if len(raw) != want {
		return nil, fmt.Errorf("it holds %d bytes of the %d of a chunk", len(raw), want)
	}
	for _, size := range slices.Backward(a.format.shuffles) {
		plain := make([]byte, len(raw))
		unshuffle(plain, raw, size)
		raw = plain
	}
	return raw, nil
}

// shuffle writes byte j of value i of src to place j*n + i of dst; a rest
// shorter than a value stays where it is.
func shuffle(dst, src []byte, size int) {
	n := len(src) / size
	for j := range size {
		column := dst[j*n : (j+1)*n]
		for i := range column {
			column[i] = src[i*size+j]
		}
	}
	copy(dst[n*size:], src[n*size:])
}

func unshuffle(dst, src []byte, size int) {
	n := len(src) / size
	for j := range size {
		for i, b := range src[j*n : (j+1)*n] {
			dst[i*size+j] = b
		}
	}
	copy(dst[n*size:], src[n*size:])
}

// blank is a chunk full of the fill value, or of zeros if none is defined.
func (a *Array) blank() []byte {
	raw := make([]byte, a.chunkBytes())
	if len(a.format.fill) == 0 {
		return raw
	}
	for filled := copy(raw, a.format.fill); filled < len(raw); filled *= 2 {
		copy(raw[filled:], raw[:filled])
	}
	return raw
}
