//go:build !amd64

package kernel

func directRows() int { return 8 }
func planeUnit() int  { return 4 }

func multiplyTaps(args *tapsArgs)      { multiplyTapsGeneric(args) }
func multiplyPairs(args *pairsArgs)    { multiplyPairsGeneric(args) }
func multiplyPlane(args *planeArgs)    { multiplyPlaneGeneric(args) }
func multiplyTiles(args *tilesArgs)    { multiplyTilesGeneric(args) }
func winogradInput(args *gatherArgs)   { winogradInputGeneric(args) }
func winogradResult(args *gatherArgs)  { winogradResultGeneric(args) }
func winogradOutput(args *scatterArgs) { winogradOutputGeneric(args) }
func winogradFilter(args *filterArgs)  { winogradFilterGeneric(args) }
func winogradWeights(args *filterArgs) { winogradWeightsGeneric(args) }
func sumRows(args *sumArgs)            { sumRowsGeneric(args) }
