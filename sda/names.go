package sda

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"retrace/internal/safetensors"
)

// On branch qg the modules of the network are wrapped, in checkpoints for
// instance, and so the names of their tensors have more parts than those of
// unet.Network. Tensors are therefore told by what does not change: the list of
// modules that they are in (heads, tails, descent, ascent), their place in it, and
// their number of dimensions, 2 of a linear layer, 3 of one in time and 4 of one
// on fields.

// frameNames maps names of unet.Network to those in the file.
func frameNames(file *safetensors.File, levels int) map[string]string {
	names := map[string]string{}
	if file == nil {
		return names
	}
	tensors := slices.Clone(file.Tensors)
	slices.SortStableFunc(tensors, func(a, b safetensors.Tensor) int {
		return slices.CompareFunc(strings.Split(a.Name, "."), strings.Split(b.Name, "."), comparePart)
	})
	seen := map[string]int{} // of a module, by dimensions
	for _, t := range tensors {
		if strings.HasSuffix(t.Name, ".freqs") {
			names["embedding.freqs"] = t.Name
		}
		path, found := strings.CutSuffix(t.Name, ".weight")
		module := moduleOf(path)
		if !found || module == "" {
			continue
		}
		kind := fmt.Sprint(module, len(t.Shape))
		if name := layerName(module, len(t.Shape), seen[kind], levels); name != "" {
			names[name+".weight"], names[name+".bias"] = t.Name, path+".bias"
		}
		seen[kind]++
	}
	return names
}

// comparePart orders parts of names, numbers by their value.
func comparePart(a, b string) int {
	i, errA := strconv.Atoi(a)
	j, errB := strconv.Atoi(b)
	if errA == nil && errB == nil {
		return cmp.Compare(i, j)
	}
	return strings.Compare(a, b)
}

// moduleOf is the list of modules and the place in it of a path: "embedding",
// "heads.1" or "descent.1.0"; "" of other paths.
func moduleOf(path string) string {
	parts := strings.Split(path, ".")
	for i, p := range parts {
		switch length := len(parts) - i; {
		case p == "embedding":
			return p
		case (p == "heads" || p == "tails") && length >= 2:
			return strings.Join(parts[i:i+2], ".")
		case (p == "descent" || p == "ascent") && length >= 3:
			return strings.Join(parts[i:i+3], ".")
		}
	}
	return ""
}

// layerName is the name in unet.Network of the layer of a module that comes in
// the given place among those of so many dimensions; "" if there is none.
func layerName(module string, dimensions, place, levels int) string {
	pick := func(names ...string) string {
		if place < len(names) {
			return names[place]
		}
		return ""
	}
	list, index, _ := strings.Cut(module, ".")
	inner := "network." + module
	switch {
	case list == "embedding" && dimensions == 2:
		return pick("embedding.0", "embedding.2")
	case dimensions == 4 && (list == "heads" && index == "0" || list == "tails" && index == strconv.Itoa(levels-1)):
		return pick(inner)
	case list == "heads" && dimensions == 4:
		return pick(inner + ".0")
	case list == "heads" && dimensions == 3:
		return pick(inner+".1.0", inner+".1.2")
	case list == "tails" && dimensions == 4:
		return pick(inner + ".3")
	case list == "tails" && dimensions == 3:
		return pick(inner+".0.0", inner+".0.2")
	case (list == "descent" || list == "ascent") && dimensions == 2:
		return pick(inner + ".project.0")
	case (list == "descent" || list == "ascent") && dimensions == 4:
		return pick(inner+".residue.1", inner+".residue.3")
	}
	return ""
}
