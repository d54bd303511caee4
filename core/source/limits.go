package source

import (
	"context"
	"fmt"
	"io"
)

// Limits bound what a source may bring.
type Limits struct {
	Packed  int64 // bytes of an archive as it is fetched
	Total   int64 // bytes of all files together
	File    int64 // bytes of one file
	Entries int   // files and folders
	Name    int   // bytes of a name with its folders
	Depth   int   // folders above a file
	// Directory bounds the list at the end of a zip archive, which is taken into
	// memory before anything is known of it.
	Directory int64
	// Ratio is how much larger than the archive its content may be, beyond a
	// first piece of Slack bytes.
	Ratio int64
	Slack int64
}

// DefaultLimits are far above what modules and plugins are, and far below what
// fills a disk.
func DefaultLimits() Limits {
	return Limits{
		Packed: 256 << 20, Total: 512 << 20, File: 256 << 20, Entries: 20_000, Name: 1024, Depth: 32, Directory: 16 << 20,
		Ratio: 200, Slack: 16 << 20,
	}
}

// RefusedError says why something is not unpacked.
type RefusedError struct {
	Entry string // "" if the archive as a whole is meant
	Why   string
}

// Error says which entry is refused and why.
func (e *RefusedError) Error() string {
	if e.Entry == "" {
		return "it is refused: " + e.Why
	}
	return fmt.Sprintf("the entry %.200q is refused: %s", e.Entry, e.Why)
}

func refuse(entry, format string, args ...any) error {
	return &RefusedError{entry, fmt.Sprintf(format, args...)}
}

// bounded reads until the context ends or more has come than may.
type bounded struct {
	ctx  context.Context
	r    io.Reader
	left int64
	what string
}

func (b *bounded) Read(p []byte) (int, error) {
	if err := b.ctx.Err(); err != nil {
		return 0, err
	}
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.r.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, refuse("", "%s", b.what)
	}
	return n, err
}

func size(n int64) string {
	if n < 1<<20 {
		return fmt.Sprintf("%d bytes", n)
	}
	return fmt.Sprintf("%d MiB", n>>20)
}
