//go:build !amd64

package kernel

func multiplyAdds(args *multiplyAddsArgs) (values int) { return multiplyAddsGeneric(args) }
func read(args *readArgs)                              { readGeneric(args) }
