package spec

import (
	"bytes"
	"runtime"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"golang.org/x/sync/errgroup"

	"github.com/moldctl/moldctl/core/spec/nesting"
)

// pieceSize is about how much of a file is parsed at a time. The library keeps
// all tokens of what it parses in one growing list, so small pieces cost less
// than half, and they can be parsed side by side.
const pieceSize = 16 << 10

// parseHCL parses a file. A large one is parsed in pieces that end with blocks;
// if anything is wrong with a piece the file is parsed as a whole, so what is
// reported never depends on where it was cut.
func parseHCL(name string, src []byte) (*hcl.File, hcl.Diagnostics) {
	if len(src) > 2*pieceSize {
		if file := parsePieces(name, src, pieceSize); file != nil {
			return file, nil
		}
	}
	if d := nesting.Config(src, name); d != nil {
		return &hcl.File{Body: hcl.EmptyBody(), Bytes: src}, hcl.Diagnostics{d}
	}
	return hclsyntax.ParseConfig(src, name, hcl.InitialPos)
}

// piece is a part of a file.
type piece struct {
	src   []byte
	start hcl.Pos
	body  *hclsyntax.Body // nil if it does not parse
}

// parsePieces returns nil if the file cannot be parsed in pieces. A piece that
// parses without an error ends outside every bracket, quote, heredoc and
// comment, so what it means does not depend on what follows.
func parsePieces(name string, src []byte, size int) *hcl.File {
	pieces := split(src, size)
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for _, p := range pieces {
		group.Go(func() error {
			p.parse(name)
			return nil
		})
	}
	_ = group.Wait() // a piece that does not parse has no body
	// A parsed file finds the block around a position in its own body.
	file, _ := hclsyntax.ParseConfig(nil, name, hcl.InitialPos)
	file.Bytes = src
	return join(file, pieces)
}

// split cuts behind lines that hold a closing brace and nothing else.
func split(src []byte, size int) []*piece {
	var out []*piece
	next := &piece{start: hcl.InitialPos}
	lines, begin := 1, 0
	for at := 0; at < len(src); {
		end := len(src)
		if n := bytes.IndexByte(src[at:], '\n'); n >= 0 {
			end = at + n + 1
		}
		line := src[at:end]
		at = end
		lines++
		if at-begin < size || at == len(src) || !bytes.Equal(bytes.TrimRight(line, "\r\n"), []byte("}")) {
			continue
		}
		next.src = src[begin:at]
		out = append(out, next)
		next = &piece{start: hcl.Pos{Line: lines, Column: 1, Byte: at}}
		begin = at
	}
	next.src = src[begin:]
	return append(out, next)
}

func (p *piece) parse(name string) {
	if nesting.Config(p.src, name) != nil {
		return
	}
	file, diags := hclsyntax.ParseConfig(p.src, name, p.start)
	if len(diags) == 0 {
		p.body, _ = file.Body.(*hclsyntax.Body)
	}
}

// join makes one body of those of the pieces, or returns nil if it cannot.
func join(file *hcl.File, pieces []*piece) *hcl.File {
	root, ok := file.Body.(*hclsyntax.Body)
	if !ok {
		return nil
	}
	for i, p := range pieces {
		if p.body == nil {
			return nil
		}
		for name, attr := range p.body.Attributes {
			if root.Attributes[name] != nil {
				return nil
			}
			root.Attributes[name] = attr
		}
		root.Blocks = append(root.Blocks, p.body.Blocks...)
		if i == 0 {
			root.SrcRange = p.body.SrcRange
		}
		root.SrcRange.End, root.EndRange = p.body.SrcRange.End, p.body.EndRange
	}
	return file
}
