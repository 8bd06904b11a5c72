package kernel

//go:noescape
func sumRowsAVX512(args *sumArgs)

//go:noescape
func sumRowsAVX2(args *sumArgs)

//go:noescape
func multiplyTaps16AVX512(args *tapsArgs)

//go:noescape
func multiplyTaps32AVX512(args *tapsArgs)

//go:noescape
func multiplyTaps48AVX512(args *tapsArgs)

//go:noescape
func multiplyPairs16AVX512(args *pairsArgs)

//go:noescape
func multiplyPairs32AVX512(args *pairsArgs)

//go:noescape
func multiplyPairs48AVX512(args *pairsArgs)

//go:noescape
func multiplyPlane16AVX512(args *planeArgs)

//go:noescape
func multiplyPlane32AVX512(args *planeArgs)

//go:noescape
func multiplyPlane48AVX512(args *planeArgs)

//go:noescape
func multiplyTiles16AVX512(args *tilesArgs)

//go:noescape
func multiplyTiles32AVX512(args *tilesArgs)

//go:noescape
func multiplyTiles48AVX512(args *tilesArgs)

//go:noescape
func winogradInputAVX512(args *gatherArgs)

//go:noescape
func winogradResultAVX512(args *gatherArgs)

//go:noescape
func winogradOutputAVX512(args *scatterArgs)

//go:noescape
func winogradFilterAVX512(args *filterArgs)

//go:noescape
func winogradFilterStreamAVX512(args *filterArgs)

//go:noescape
func winogradWeightsAVX512(args *filterArgs)

//go:noescape
func multiplyTapsAVX2(args *tapsArgs)

//go:noescape
func multiplyPairsAVX2(args *pairsArgs)

//go:noescape
func multiplyPlaneAVX2(args *planeArgs)

//go:noescape
func multiplyTilesAVX2(args *tilesArgs)

//go:noescape
func winogradInputAVX2(args *gatherArgs)

//go:noescape
func winogradResultAVX2(args *gatherArgs)

//go:noescape
func winogradOutputAVX2(args *scatterArgs)

//go:noescape
func winogradFilterAVX2(args *filterArgs)

//go:noescape
func winogradWeightsAVX2(args *filterArgs)

// directRows is the number of rows of a tile of a direct convolution, and
// planeUnit the unit of rows of multiplyPlane, at the level in use.
func directRows() int {
	if active == wide256 {
		return 6
	}
	return 8
}

func planeUnit() int {
	if active == wide256 {
		return 2
	}
	return 4
}

func multiplyTaps(args *tapsArgs) {
	switch active {
	case wide512:
		switch args.width {
		case 48:
			multiplyTaps48AVX512(args)
		case 32:
			multiplyTaps32AVX512(args)
		default:
			multiplyTaps16AVX512(args)
		}
	case wide256:
		for half := *args; half.width > 0; half.right() {
			multiplyTapsAVX2(&half)
		}
	default:
		multiplyTapsGeneric(args)
	}
}

func multiplyPairs(args *pairsArgs) {
	switch active {
	case wide512:
		switch args.width {
		case 48:
			multiplyPairs48AVX512(args)
		case 32:
			multiplyPairs32AVX512(args)
		default:
			multiplyPairs16AVX512(args)
		}
	case wide256:
		for part := *args; part.width > 0; part.right() {
			multiplyPairsAVX2(&part)
		}
	default:
		multiplyPairsGeneric(args)
	}
}

func multiplyPlane(args *planeArgs) {
	switch active {
	case wide512:
		switch args.width {
		case 48:
			multiplyPlane48AVX512(args)
		case 32:
			multiplyPlane32AVX512(args)
		default:
			multiplyPlane16AVX512(args)
		}
	case wide256:
		for part := *args; part.width > 0; part.right() {
			multiplyPlaneAVX2(&part)
		}
	default:
		multiplyPlaneGeneric(args)
	}
}

func multiplyTiles(args *tilesArgs) {
	switch active {
	case wide512:
		switch args.width {
		case 48:
			multiplyTiles48AVX512(args)
		case 32:
			multiplyTiles32AVX512(args)
		default:
			multiplyTiles16AVX512(args)
		}
	case wide256:
		for part := *args; part.width > 0; part.right() {
			multiplyTilesAVX2(&part)
		}
	default:
		multiplyTilesGeneric(args)
	}
}

func winogradInput(args *gatherArgs) {
	switch active {
	case wide512:
		winogradInputAVX512(args)
	case wide256:
		winogradInputAVX2(args)
	default:
		winogradInputGeneric(args)
	}
}

func winogradResult(args *gatherArgs) {
	switch active {
	case wide512:
		winogradResultAVX512(args)
	case wide256:
		winogradResultAVX2(args)
	default:
		winogradResultGeneric(args)
	}
}

func winogradOutput(args *scatterArgs) {
	switch active {
	case wide512:
		winogradOutputAVX512(args)
	case wide256:
		winogradOutputAVX2(args)
	default:
		winogradOutputGeneric(args)
	}
}

func winogradFilter(args *filterArgs) {
	switch active {
	case wide512:
		if args.stream {
			winogradFilterStreamAVX512(args)
		} else {
			winogradFilterAVX512(args)
		}
	case wide256:
		winogradFilterAVX2(args)
	default:
		winogradFilterGeneric(args)
	}
}

func winogradWeights(args *filterArgs) {
	switch active {
	case wide512:
		winogradWeightsAVX512(args)
	case wide256:
		winogradWeightsAVX2(args)
	default:
		winogradWeightsGeneric(args)
	}
}

func sumRows(args *sumArgs) {
	switch active {
	case wide512:
		sumRowsAVX512(args)
	case wide256:
		sumRowsAVX2(args)
	default:
		sumRowsGeneric(args)
	}
}
