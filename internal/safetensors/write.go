package safetensors

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"retrace/internal/atomicfile"
)

// Write writes a file; it appears whole or not at all. It panics where a tensor
// does not match its shape, has a reserved name or is given twice.
func Write(path string, f *File) error {
	if err := atomicfile.Write(path, Encode(f)); err != nil {
		return fmt.Errorf("weights: %w", err)
	}
	return nil
}

// header is the JSON value of a tensor.
type header struct {
	Dtype   string `json:"dtype"`
	Shape   []int  `json:"shape"`
	Offsets [2]int `json:"data_offsets"`
}

// Encode returns the bytes of a file, and panics as Write does.
func Encode(f *File) []byte {
	tensors := slices.Clone(f.Tensors)
	slices.SortFunc(tensors, func(a, b Tensor) int { return cmp.Compare(a.Name, b.Name) })
	members := map[string]any{}
	if len(f.Metadata) > 0 {
		members[metadataKey] = f.Metadata
	}
	size := 0
	for _, t := range tensors {
		if n, ok := elements(t.Shape, math.MaxInt/4); !ok || n != len(t.Data) {
			panic("safetensors: tensor does not match its shape")
		}
		if _, taken := members[t.Name]; taken || t.Name == metadataKey {
			panic("safetensors: tensor name is reserved or given twice")
		}
		members[t.Name] = header{dtypeF32, append([]int{}, t.Shape...), [2]int{size, size + 4*len(t.Data)}}
		size += 4 * len(t.Data)
	}
	text, err := json.Marshal(members) // sorts the members by name
	if err != nil {
		panic("safetensors: " + err.Error())
	}
	for len(text)%alignment != 0 {
		text = append(text, ' ')
	}
	content := make([]byte, 0, lengthSize+len(text)+size)
	content = binary.LittleEndian.AppendUint64(content, uint64(len(text)))
	content = append(content, text...)
	for _, t := range tensors {
		for _, x := range t.Data {
			content = binary.LittleEndian.AppendUint32(content, math.Float32bits(x))
		}
	}
	return content
}
