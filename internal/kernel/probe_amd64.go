//go:build amd64

package kernel

//go:noescape
func multiplyAddsAVX512(args *multiplyAddsArgs)

//go:noescape
func multiplyAddsAVX2(args *multiplyAddsArgs)

//go:noescape
func readAVX512(args *readArgs)

//go:noescape
func readAVX2(args *readArgs)

// multiplyAdds returns the number of values worked on: 12 vectors of them.
func multiplyAdds(args *multiplyAddsArgs) (values int) {
	switch active {
	case wide512:
		multiplyAddsAVX512(args)
		return 12 * 16
	case wide256:
		multiplyAddsAVX2(args)
		return 12 * 8
	}
	return multiplyAddsGeneric(args)
}

func read(args *readArgs) {
	switch active {
	case wide512:
		readAVX512(args)
	case wide256:
		readAVX2(args)
	default:
		readGeneric(args)
	}
}
