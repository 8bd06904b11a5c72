//go:build amd64

package kernel

import "golang.org/x/sys/cpu"

// supported lists the levels that this processor can run.
func supported() []string {
	levels := []string{Generic}
	x := cpu.X86
	if x.HasAVX2 && x.HasFMA {
		levels = append(levels, AVX2)
		if x.HasAVX512F && x.HasAVX512DQ && x.HasAVX512BW && x.HasAVX512VL {
			levels = append(levels, AVX512)
		}
	}
	return levels
}

//go:noescape
func productANAVX512(args *productArgs)

//go:noescape
func productATAVX512(args *productArgs)

//go:noescape
func siluAVX512(args *siluArgs)

//go:noescape
func siluSlopeAVX512(args *siluArgs)

//go:noescape
func siluSlopeAVX2(args *siluArgs)

//go:noescape
func scaleAVX512(args *scaleArgs)

//go:noescape
func scaleAVX2(args *scaleArgs)

//go:noescape
func siluPullAVX512(args *siluArgs)

//go:noescape
func layerNormAVX512(args *layerNormArgs)

//go:noescape
func layerNormPullAVX512(args *layerNormArgs)

//go:noescape
func addAVX512(args *addArgs)

//go:noescape
func squaresAVX512(args *squaresArgs)

//go:noescape
func columnSumsAVX512(args *columnSumsArgs)

//go:noescape
func adamAVX512(args *adamArgs)

//go:noescape
func transposeAVX512(args *transposeArgs)

//go:noescape
func productANAVX2(args *productArgs)

//go:noescape
func productATAVX2(args *productArgs)

//go:noescape
func siluAVX2(args *siluArgs)

//go:noescape
func siluPullAVX2(args *siluArgs)

//go:noescape
func layerNormAVX2(args *layerNormArgs)

//go:noescape
func layerNormPullAVX2(args *layerNormArgs)

//go:noescape
func addAVX2(args *addArgs)

//go:noescape
func squaresAVX2(args *squaresArgs)

//go:noescape
func columnSumsAVX2(args *columnSumsArgs)

//go:noescape
func adamAVX2(args *adamArgs)

//go:noescape
func transposeAVX2(args *transposeArgs)

// The functions below choose by a switch, not by a table of function values:
// calls through such a table would move their arguments to the heap.

func productAN(args *productArgs) {
	switch active {
	case wide512:
		productANAVX512(args)
	case wide256:
		productANAVX2(args)
		right := args.rightHalf()
		productANAVX2(&right)
	default:
		productGeneric(args, false)
	}
}

func productAT(args *productArgs) {
	switch active {
	case wide512:
		productATAVX512(args)
	case wide256:
		productATAVX2(args)
		right := args.rightHalf()
		productATAVX2(&right)
	default:
		productGeneric(args, true)
	}
}

func silu(args *siluArgs) {
	switch active {
	case wide512:
		siluAVX512(args)
	case wide256:
		siluAVX2(args)
	default:
		siluGeneric(args)
	}
}

func siluSlope(args *siluArgs) {
	switch active {
	case wide512:
		siluSlopeAVX512(args)
	case wide256:
		siluSlopeAVX2(args)
	default:
		siluSlopeGeneric(args)
	}
}

func scale(args *scaleArgs) {
	switch active {
	case wide512:
		scaleAVX512(args)
	case wide256:
		scaleAVX2(args)
	default:
		scaleGeneric(args)
	}
}

func siluPull(args *siluArgs) {
	switch active {
	case wide512:
		siluPullAVX512(args)
	case wide256:
		siluPullAVX2(args)
	default:
		siluPullGeneric(args)
	}
}

func layerNorm(args *layerNormArgs) {
	switch active {
	case wide512:
		layerNormAVX512(args)
	case wide256:
		layerNormAVX2(args)
	default:
		layerNormGeneric(args)
	}
}

func layerNormPull(args *layerNormArgs) {
	switch active {
	case wide512:
		layerNormPullAVX512(args)
	case wide256:
		layerNormPullAVX2(args)
	default:
		layerNormPullGeneric(args)
	}
}

func add(args *addArgs) {
	switch active {
	case wide512:
		addAVX512(args)
	case wide256:
		addAVX2(args)
	default:
		addGeneric(args)
	}
}

func squares(args *squaresArgs) {
	switch active {
	case wide512:
		squaresAVX512(args)
	case wide256:
		squaresAVX2(args)
	default:
		squaresGeneric(args)
	}
}

func columnSums(args *columnSumsArgs) {
	switch active {
	case wide512:
		columnSumsAVX512(args)
	case wide256:
		columnSumsAVX2(args)
	default:
		columnSumsGeneric(args)
	}
}

func adam(args *adamArgs) {
	switch active {
	case wide512:
		adamAVX512(args)
	case wide256:
		adamAVX2(args)
	default:
		adamGeneric(args)
	}
}

func transpose(args *transposeArgs) {
	switch active {
	case wide512:
		transposeAVX512(args)
	case wide256:
		transposeAVX2(args)
	default:
		transposeGeneric(args)
	}
}
