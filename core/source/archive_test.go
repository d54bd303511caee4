package source_test

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"fmt"
	"io/fs"
	"strings"
	"testing"
)

// entry is one entry of an archive that a test makes.
type entry struct {
	name, body, link string
	typ              byte // of a tar entry: 0 is a file
	mode             int64
}

// rawTar writes entries without asking whether they make sense, which no
// library does.
func rawTar(entries ...entry) []byte {
	var b bytes.Buffer
	for _, e := range entries {
		if e.typ == 0 {
			e.typ = '0'
		}
		if e.mode == 0 {
			e.mode = 0o644
		}
		if len(e.name) > 100 {
			writeBlock(&b, "././@LongLink", "", 'L', 0o644, []byte(e.name+"\x00"))
			e.name = e.name[:100]
		}
		writeBlock(&b, e.name, e.link, e.typ, e.mode, []byte(e.body))
	}
	b.Write(make([]byte, 1024))
	return b.Bytes()
}

func writeBlock(b *bytes.Buffer, name, link string, typ byte, mode int64, body []byte) {
	h := make([]byte, 512)
	copy(h, name)
	copy(h[100:], fmt.Sprintf("%07o", mode))
	copy(h[108:], "0000000\x000000000\x00")
	copy(h[124:], fmt.Sprintf("%011o", len(body)))
	copy(h[136:], "00000000000\x00        ")
	h[156] = typ
	copy(h[157:], link)
	copy(h[257:], "ustar\x0000")
	sum := 0
	for _, c := range h {
		sum += int(c)
	}
	copy(h[148:], fmt.Sprintf("%06o\x00 ", sum))
	b.Write(h)
	b.Write(body)
	if rest := len(body) % 512; rest > 0 {
		b.Write(make([]byte, 512-rest))
	}
}

func gz(t testing.TB, raw []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(raw); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func tarGz(t testing.TB, entries ...entry) []byte {
	t.Helper()
	return gz(t, rawTar(entries...))
}

// zipModes are the file modes that stand for the types of tar entries.
var zipModes = map[byte]fs.FileMode{
	'2': fs.ModeSymlink, '3': fs.ModeDevice | fs.ModeCharDevice, '4': fs.ModeDevice, '5': fs.ModeDir, '6': fs.ModeNamedPipe, 's': fs.ModeSocket,
}

func zipOf(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, e := range entries {
		h := &zip.FileHeader{Name: e.name, Method: zip.Deflate}
		mode := fs.FileMode(e.mode & 0o777)
		if mode == 0 {
			mode = 0o644
		}
		if e.mode&0o4000 != 0 {
			mode |= fs.ModeSetuid
		}
		h.SetMode(mode | zipModes[e.typ])
		body := e.body
		if e.typ == '2' {
			body = e.link
		}
		if e.typ == '5' && !strings.HasSuffix(h.Name, "/") {
			h.Name += "/"
		}
		w, err := z.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(h.Name, "/") {
			continue
		}
		if _, err := w.Write([]byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
