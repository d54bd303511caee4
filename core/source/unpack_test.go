package source_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/moldctl/moldctl/core/source"
)

// small are limits that tests can reach.
func small() source.Limits {
	return source.Limits{
		Packed: 1 << 20, Total: 64 << 10, File: 32 << 10, Entries: 50, Name: 200, Depth: 8, Ratio: 20, Slack: 16 << 10, Directory: 8 << 10,
	}
}

// unpack unpacks in the middle of a folder that nothing may touch, and returns
// what was written.
func unpack(t testing.TB, archive []byte, limits source.Limits) (map[string]string, error) {
	t.Helper()
	base := t.TempDir()
	out := filepath.Join(base, "a", "b", "out")
	if err := os.MkdirAll(out, 0o755); err != nil {
		t.Fatal(err)
	}
	const guard = "nobody touches this"
	around := []string{"x", "a/x", "a/b/x", "passwd", "a/b/passwd"}
	for _, name := range around {
		if err := os.WriteFile(filepath.Join(base, name), []byte(guard), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(t.TempDir(), "archive")
	if err := os.WriteFile(file, archive, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	unpacked := source.Unpack(context.Background(), f, out, limits)

	written := map[string]string{}
	var outside []string
	err = filepath.WalkDir(base, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		if !e.Type().IsRegular() {
			t.Errorf("%s is no regular file: %s", path, e.Type())
			return nil
		}
		text, err := os.ReadFile(path)
		if rel, inside := strings.CutPrefix(path, out+"/"); inside {
			written[rel] = string(text)
			return err
		}
		rel, _ := filepath.Rel(base, path)
		if outside = append(outside, rel); string(text) != guard {
			t.Errorf("%s was written to", rel)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(around)
	slices.Sort(outside)
	if diff := cmp.Diff(around, outside); diff != "" {
		t.Errorf("files outside the folder (-want +got):\n%s", diff)
	}
	total := 0
	for _, text := range written {
		total += len(text)
	}
	if int64(total) > limits.Total {
		t.Errorf("%d bytes were written, more than may be", total)
	}
	return written, unpacked
}

func TestUnpack(t *testing.T) {
	t.Parallel()
	entries := []entry{
		{name: "plugin.yaml", body: "plugin: acme\n"},
		{name: "bin/", typ: '5', mode: 0o755},
		{name: "bin/acme", body: "#!/bin/sh\n", mode: 0o4755},
		{name: "./docs/한글.md", body: "text"},
		{name: "docs/link.md", typ: '2', link: "../plugin.yaml"},
		{name: "docs/chain.md", typ: '2', link: "link.md"},
	}
	want := map[string]string{
		"plugin.yaml": "plugin: acme\n", "bin/acme": "#!/bin/sh\n", "docs/한글.md": "text", "docs/link.md": "plugin: acme\n", "docs/chain.md": "plugin: acme\n",
	}
	archives := map[string][]byte{
		"tar.gz": tarGz(t, append(entries, entry{name: "pax_global_header", typ: 'g', body: "20 comment=abcdefgh\n"})...),
		"zip":    zipOf(t, entries...),
	}
	for name, archive := range archives {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := unpack(t, archive, small())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("content (-want +got):\n%s", diff)
			}
		})
	}
}

// TestModes: of a mode only the right to execute is kept.
func TestModes(t *testing.T) {
	t.Parallel()
	entries := []entry{{name: "suid", body: "x", mode: 0o4755}, {name: "open", body: "x", mode: 0o666}, {name: "sticky", body: "x", mode: 0o1644}}
	for name, archive := range map[string][]byte{"tar.gz": tarGz(t, entries...), "zip": zipOf(t, entries...)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			file := filepath.Join(t.TempDir(), "a")
			if err := os.WriteFile(file, archive, 0o600); err != nil {
				t.Fatal(err)
			}
			f, err := os.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if err := source.Unpack(t.Context(), f, dir, small()); err != nil {
				t.Fatal(err)
			}
			got := map[string]fs.FileMode{}
			for _, e := range entries {
				info, err := os.Stat(filepath.Join(dir, e.name))
				if err != nil {
					t.Fatal(err)
				}
				got[e.name] = info.Mode()&0o111 | info.Mode()&(fs.ModeSetuid|fs.ModeSetgid|fs.ModeSticky) | info.Mode()&0o022
			}
			if diff := cmp.Diff(map[string]fs.FileMode{"suid": 0o111, "open": 0, "sticky": 0}, got); diff != "" {
				t.Errorf("modes (-want +got):\n%s", diff)
			}
		})
	}
}

// hostileNames are names that no entry may have.
func hostileNames() []string {
	return []string{
		"../x", "../../x", "../../../../../../tmp/moldctl-x", "a/../../x", "a/b/../../../x", "a/..", "..", "a/./../x", "a//b", "//x", "/x", "/etc/passwd",
		"./../x", "././x", ".//x", "a/../b", `..\x`, `..\..\x`, `a\..\..\x`, `\x`, `\\host\share\x`, `C:\x`, "C:/x", "C:x", "c:", "x:stream", "a/b:c",
		"a\nb", "a\rb", "a\tb", "a\x1bb", "a\x7fb", "a\u0085b", "a\xff", "\xc0\xae\xc0\xae/x", "a.", "a /b", "dir./x", "NUL", "nul.txt", "a/CON", "Aux.c", "com1", "LPT9.log",
		strings.Repeat("n", 256), strings.Repeat("d/", 10) + "x", strings.Repeat("long/", 50) + "x",
	}
}

// hostileLinks are targets that no link may have.
func hostileLinks() map[string][]entry {
	sub := entry{name: "sub/file", body: "x"}
	link := func(name, target string) entry { return entry{name: name, typ: '2', link: target} }
	cases := map[string][]entry{
		"loop":             {link("l", "l")},
		"loop of two":      {link("l", "m"), link("m", "l")},
		"loop of three":    {link("l", "m"), link("m", "n"), link("n", "l")},
		"chain out":        {sub, link("l", "m"), link("m", "../x")},
		"through a link":   {sub, link("d", "sub"), {name: "d/file2", body: "x"}},
		"link out, used":   {link("d", ".."), {name: "d/x", body: "bad"}},
		"deep out, used":   {link("d", "../.."), {name: "d/x", body: "bad"}},
		"link over file":   {{name: "f", body: "x"}, link("f", "sub/file"), sub},
		"file over link":   {sub, link("f", "sub/file"), {name: "f", body: "x"}},
		"folder over link": {sub, link("f", "sub"), {name: "f", typ: '5'}},
		"through a folder": {sub, link("d", "sub"), link("l", "d/file")},
	}
	for _, target := range []string{
		"/etc/passwd", "/", "../x", "../../x", "sub/../../x", "..", ".", "", "sub", "sub/", "missing", "sub/missing", `C:\x`, `..\x`, `\\host\x`, "/proc/self/environ",
		"sub/file/../../../x", "./../x", strings.Repeat("../", 20) + "etc/passwd",
	} {
		cases[fmt.Sprintf("to %.20q", target)] = []entry{sub, link("l", target)}
	}
	return cases
}

// hostile makes all archives that must be refused.
func hostile(t testing.TB) map[string][]byte {
	t.Helper()
	cases := map[string][]byte{}
	for _, name := range hostileNames() {
		for kind, typ := range map[string]byte{"file": 0, "folder": '5', "link": '2', "hard link": '1'} {
			e := entry{name: name, typ: typ, body: "bad", link: "good"}
			if typ != 0 {
				e.body = ""
			}
			good := entry{name: "good", body: "x"}
			cases[fmt.Sprintf("tar %s %.30q", kind, name)] = tarGz(t, good, e)
			if kind != "hard link" {
				cases[fmt.Sprintf("zip %s %.30q", kind, name)] = zipOf(t, good, e)
			}
		}
	}
	for name, entries := range hostileLinks() {
		cases["tar symlink "+name] = tarGz(t, entries...)
		cases["zip symlink "+name] = zipOf(t, entries...)
		hard := slices.Clone(entries)
		for i := range hard {
			if hard[i].typ == '2' {
				hard[i].typ = '1'
			}
		}
		if name != "to \"sub/../../x\"" {
			cases["tar hard link "+name] = tarGz(t, hard...)
		}
	}
	maps.Copy(cases, hostileKinds(t))
	maps.Copy(cases, hostileSizes(t))
	maps.Copy(cases, broken(t))
	return cases
}

// hostileKinds are entries that are no files, and names that are taken.
func hostileKinds(t testing.TB) map[string][]byte {
	t.Helper()
	cases := map[string][]byte{}
	for _, typ := range []byte("3467SMVNAZDx\x01") {
		if typ == 'x' || typ == 'S' { // these have content of their own
			continue
		}
		cases[fmt.Sprintf("tar type %q", typ)] = tarGz(t, entry{name: "e", typ: typ})
	}
	for _, typ := range []byte("346s") {
		cases[fmt.Sprintf("zip type %q", typ)] = zipOf(t, entry{name: "e", typ: typ})
	}
	taken := map[string][]string{
		"twice": {"a", "a"}, "twice with dot": {"a", "./a"}, "case": {"a", "A"}, "case deep": {"d/a", "d/A"}, "case of folders": {"d/a", "D/b"}, "umlaut": {"ä", "Ä"},
		"kelvin": {"k", "\u212a"}, "long s": {"s", "\u017f"}, "file as folder": {"a", "a/b"}, "folder as file": {"a/b", "a"}, "file as folder by case": {"a", "A/b"},
	}
	for name, list := range taken {
		var entries []entry
		for _, n := range list {
			entries = append(entries, entry{name: n, body: "x"})
		}
		cases["tar taken "+name] = tarGz(t, entries...)
		cases["zip taken "+name] = zipOf(t, entries...)
	}
	return cases
}

// hostileSizes are archives that are too much.
func hostileSizes(t testing.TB) map[string][]byte {
	t.Helper()
	random := func(n int) string { // does not compress
		b := make([]byte, n)
		x := uint32(n)
		for i := range b {
			x = x*1664525 + 1013904223
			b[i] = byte(x >> 24)
		}
		return string(b)
	}
	many := make([]entry, 60)
	for i := range many {
		many[i].name = fmt.Sprintf("f%d", i)
	}
	folders := make([]entry, 60)
	for i := range folders {
		folders[i] = entry{name: fmt.Sprintf("d%d", i), typ: '5'}
	}
	links := []entry{{name: "f", body: random(20 << 10)}}
	for i := range 10 {
		links = append(links, entry{name: fmt.Sprintf("l%d", i), typ: '2', link: "f"})
	}
	long := make([]entry, 40)
	for i := range long {
		long[i] = entry{name: fmt.Sprintf("%0240d", i)}
	}
	sets := map[string][]entry{
		"one file": {{name: "f", body: random(33 << 10)}},
		"together": {{name: "f", body: random(30 << 10)}, {name: "g", body: random(30 << 10)}, {name: "h", body: random(30 << 10)}},
		"ratio":    {{name: "f", body: strings.Repeat("0", 31<<10)}, {name: "g", body: strings.Repeat("0", 31<<10)}},
		"entries":  many, "folders": folders, "links as copies": links, "names": long,
	}
	cases := map[string][]byte{}
	for name, entries := range sets {
		cases["tar too much: "+name] = tarGz(t, entries...)
		cases["zip too much: "+name] = zipOf(t, entries...)
	}
	cases["archive too large"] = tarGz(t, entry{name: "f", body: random(2 << 20)})
	cases["tar padding without end"] = gz(t, append(rawTar(entry{name: "f"}), make([]byte, 4<<20)...))
	cases["tar long name without end"] = gz(t, append(rawTar(entry{name: "L", typ: 'L', body: strings.Repeat("n", 2<<20)}), make([]byte, 1024)...))
	cases["tar huge size"] = gz(t, bytes.Replace(rawTar(entry{name: "f", body: "x"}), []byte("00000000001"), []byte("77777777777"), 1))
	comment := zipOf(t, entry{name: "f", body: "x"})
	cases["zip large list"] = zipOf(t, append(long, many...)...)
	cases["zip with a lie about its size"] = bytes.ReplaceAll(comment, []byte{1, 0, 0, 0, 1, 0}, []byte{1, 0, 0, 0, 9, 0})
	return cases
}

// broken are archives that were cut or changed on their way.
func broken(t testing.TB) map[string][]byte {
	t.Helper()
	whole := map[string][]byte{
		"tar": tarGz(t, entry{name: "a", body: "some text"}, entry{name: "b/c", body: "more text"}),
		"zip": zipOf(t, entry{name: "a", body: "some text"}, entry{name: "b/c", body: "more text"}),
	}
	cases := map[string][]byte{"empty": nil, "text": []byte("<html>not found</html>"), "one byte": {0x1f}, "only PK": []byte("PK\x03\x04"), "gzip of text": gz(t, []byte("text"))}
	for name, archive := range whole {
		for i := range 40 {
			at := i * len(archive) / 40
			cases[fmt.Sprintf("%s cut at %d", name, at)] = archive[:at]
		}
	}
	crc := bytes.Clone(whole["tar"])
	crc[len(crc)-8] ^= 0xff
	cases["tar wrong checksum"] = crc
	stored := zipOf(t, entry{name: "a", body: "some text"})
	if i := bytes.Index(stored, []byte("PK\x07\x08")); i >= 0 {
		changed := bytes.Clone(stored)
		for _, at := range []int{i + 4, bytes.Index(stored, []byte("PK\x01\x02")) + 16} {
			changed[at] ^= 0xff
		}
		cases["zip wrong checksum"] = changed
	}
	locked := bytes.Clone(stored)
	locked[bytes.Index(locked, []byte("PK\x01\x02"))+8] |= 1
	cases["zip encrypted"] = locked
	method := bytes.Clone(stored)
	method[bytes.Index(method, []byte("PK\x01\x02"))+10] = 99
	cases["zip unknown method"] = method
	return cases
}

// TestHostileArchives: each is refused with a reason, and nothing is written
// outside the folder.
func TestHostileArchives(t *testing.T) {
	t.Parallel()
	cases := hostile(t)
	if len(cases) < 400 {
		t.Errorf("only %d archives", len(cases))
	}
	for name, archive := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := unpack(t, archive, small())
			var refused *source.RefusedError
			if !errors.As(err, &refused) {
				t.Fatalf("error %v (%T), want a refusal", err, err)
			}
			if len(err.Error()) > 500 || strings.ContainsAny(err.Error(), "\n\x1b") {
				t.Errorf("the reason is not fit to be shown: %q", err)
			}
		})
	}
}

// FuzzUnpack: whatever comes, nothing is written outside, nothing but files,
// and never more than the limits say.
func FuzzUnpack(f *testing.F) {
	for _, archive := range hostile(f) {
		if len(archive) < 4096 {
			f.Add(archive)
		}
	}
	f.Fuzz(func(t *testing.T, archive []byte) {
		written, err := unpack(t, archive, small())
		if err == nil && len(written) > small().Entries {
			t.Errorf("%d files were written", len(written))
		}
	})
}
