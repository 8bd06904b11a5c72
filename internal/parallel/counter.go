package parallel

import "sync"

// Counter returns a function that reports one more of total pieces done to
// progress, which may be nil. The function is safe for concurrent use; progress
// is called by one goroutine at a time.
func Counter(total int, progress func(done, total int)) func() {
	if progress == nil {
		return func() {}
	}
	var mutex sync.Mutex
	done := 0
	return func() {
		mutex.Lock()
		defer mutex.Unlock()
		done++
		progress(done, total)
	}
}
