// Package rng gives every random draw an address instead of a place in a queue.
//
// A stream is named by (seed, purpose, indices): the indices are whatever
// identifies the draw (case, member, step, ...). Two streams with different
// names are independent; the same name always gives the same numbers, whatever
// the number of workers, the batch size or the point of resumption.
//
// A stream is ChaCha8 keyed by the SHA-256 of its name.
package rng

import (
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
)

// Stream returns the generator named by its arguments.
func Stream(seed int64, purpose string, indices ...uint64) *rand.Rand {
	return rand.New(rand.NewChaCha8(digest(seed, purpose, indices)))
}

// A Source is a generator that can be re-addressed without allocating, for hot
// loops. The zero value is not usable; make one with NewSource. It is not safe
// for concurrent use.
type Source struct {
	*rand.Rand
	chacha  *rand.ChaCha8
	seed    int64
	purpose string
}

// NewSource returns a source for the streams of one seed and purpose,
// addressed at the stream without indices.
func NewSource(seed int64, purpose string) *Source {
	chacha := rand.NewChaCha8(digest(seed, purpose, nil))
	return &Source{rand.New(chacha), chacha, seed, purpose}
}

// At moves the source to the start of the stream with the given indices: it
// then yields what Stream(seed, purpose, indices...) yields.
func (s *Source) At(indices ...uint64) *Source {
	s.chacha.Seed(digest(s.seed, s.purpose, indices))
	return s
}

// digest hashes the name of a stream; lengths are part of the hashed bytes, so
// that different names never have the same bytes.
func digest(seed int64, purpose string, indices []uint64) [32]byte {
	var buffer [128]byte
	b := binary.LittleEndian.AppendUint64(buffer[:0], uint64(seed))
	b = binary.LittleEndian.AppendUint64(b, uint64(len(purpose)))
	b = append(b, purpose...)
	for _, i := range indices {
		b = binary.LittleEndian.AppendUint64(b, i)
	}
	return sha256.Sum256(b)
}
