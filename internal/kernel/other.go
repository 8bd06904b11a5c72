//go:build !amd64

package kernel

// supported lists the levels that this processor can run.
func supported() []string { return []string{Generic} }

func productAN(args *productArgs)       { productGeneric(args, false) }
func productAT(args *productArgs)       { productGeneric(args, true) }
func silu(args *siluArgs)               { siluGeneric(args) }
func siluSlope(args *siluArgs)          { siluSlopeGeneric(args) }
func scale(args *scaleArgs)             { scaleGeneric(args) }
func siluPull(args *siluArgs)           { siluPullGeneric(args) }
func layerNorm(args *layerNormArgs)     { layerNormGeneric(args) }
func layerNormPull(args *layerNormArgs) { layerNormPullGeneric(args) }
func add(args *addArgs)                 { addGeneric(args) }
func squares(args *squaresArgs)         { squaresGeneric(args) }
func columnSums(args *columnSumsArgs)   { columnSumsGeneric(args) }
func adam(args *adamArgs)               { adamGeneric(args) }
func transpose(args *transposeArgs)     { transposeGeneric(args) }
