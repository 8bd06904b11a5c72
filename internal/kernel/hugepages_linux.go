package kernel

import (
	"syscall"
	"unsafe"
)

// hugePage is the size of a huge page in bytes, that of most processors.
const hugePage = 2 << 20

// useHugePages asks the system to back the whole huge pages within memory as such:
// a processor looks up the addresses of a few thousand small pages quickly, a
// tenth of what a network walks through. It is advice, and its failure, on a
// system without huge pages, changes nothing.
func useHugePages(memory []float32) {
	const values = hugePage / 4
	skip := int(-uintptr(pointer(memory))%hugePage) / 4
	pages := (len(memory) - skip) / values
	if pages < 1 {
		return
	}
	first := unsafe.Pointer(&memory[skip])
	_ = syscall.Madvise(unsafe.Slice((*byte)(first), pages*hugePage), syscall.MADV_HUGEPAGE)
}
