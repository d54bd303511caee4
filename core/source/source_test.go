package source_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/moldctl/moldctl/core/source"
)

func TestParse(t *testing.T) {
	t.Parallel()
	digest := "sha256:" + strings.Repeat("0", 64)
	tests := map[string]source.Source{
		"./base":                               {Kind: source.Folder, Text: "./base", Location: "./base"},
		"acme":                                 {Kind: source.Folder, Text: "acme", Location: "acme"},
		"../x/acme.tar.gz//plugins/acme":       {Kind: source.Archive, Text: "../x/acme.tar.gz", Location: "../x/acme.tar.gz", Sub: "plugins/acme"},
		"/opt/acme.ZIP":                        {Kind: source.Archive, Text: "/opt/acme.ZIP", Location: "/opt/acme.ZIP"},
		"https://a.example/m.tgz":              {Kind: source.Archive, Text: "https://a.example/m.tgz", Location: "https://a.example/m.tgz"},
		"https://a.example/m.tgz//sub?sig=abc": {Kind: source.Archive, Text: "https://a.example/m.tgz?sig=abc", Location: "https://a.example/m.tgz?sig=abc", Sub: "sub"},
		"http://127.0.0.1:80/m.zip":            {Kind: source.Archive, Text: "http://127.0.0.1:80/m.zip", Location: "http://127.0.0.1:80/m.zip"},
		"git::https://g.example/r.git":         {Kind: source.Git, Text: "git::https://g.example/r.git", Location: "https://g.example/r.git"},
		"git::https://g.example/r.git//m/b?ref=v1.2": {
			Kind: source.Git, Text: "git::https://g.example/r.git?ref=v1.2", Location: "https://g.example/r.git", Ref: "v1.2", Sub: "m/b",
		},
		"git::git@g.example:org/r.git?ref=main":    {Kind: source.Git, Text: "git::ssh://git@g.example/org/r.git?ref=main", Location: "ssh://git@g.example/org/r.git", Ref: "main"},
		"git::ssh://git@g.example/org/r.git":       {Kind: source.Git, Text: "git::ssh://git@g.example/org/r.git", Location: "ssh://git@g.example/org/r.git"},
		"git::file:///srv/r//m?ref=feature/x":      {Kind: source.Git, Text: "git::file:///srv/r?ref=feature/x", Location: "file:///srv/r", Ref: "feature/x", Sub: "m"},
		"oci://r.example/org/acme:1.0.0":           {Kind: source.OCI, Text: "oci://r.example/org/acme:1.0.0", Location: "r.example/org/acme", Ref: "1.0.0"},
		"oci://localhost:5000/acme":                {Kind: source.OCI, Text: "oci://localhost:5000/acme", Location: "localhost:5000/acme"},
		"oci://r.example/acme@" + digest + "//p":   {Kind: source.OCI, Text: "oci://r.example/acme@" + digest, Location: "r.example/acme", Ref: digest, Sub: "p"},
		"https://a.example/acme_{platform}.tar.gz": {Kind: source.Archive, Text: "https://a.example/acme_{platform}.tar.gz", Location: "https://a.example/acme_{platform}.tar.gz"},
	}
	for text, want := range tests {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			got, err := source.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("source (-want +got):\n%s", diff)
			}
			reread(t, got)
		})
	}
}

// reread checks that what the lock file says means the same source.
func reread(t *testing.T, s source.Source) {
	t.Helper()
	again, err := source.Parse(s.Text)
	if err != nil {
		t.Fatalf("%q from the lock file: %v", s.Text, err)
	}
	again.Sub = s.Sub
	if diff := cmp.Diff(s, again); diff != "" {
		t.Errorf("read from the lock file (-parsed +read):\n%s", diff)
	}
}

// FuzzParse: whatever is taken for a source means the same when it comes from
// the lock file, and nothing in it can be an option of git.
func FuzzParse(f *testing.F) {
	for _, text := range []string{"./m", "a.zip//b", "https://h/m.tgz?x=//y", "git::https://h/r//s?ref=v1", "git::u@h:p//q?ref=x", "oci://h:1/n:t//s", "oci://h/n@sha256:x"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := source.Parse(text)
		if err != nil {
			return
		}
		reread(t, s)
		if strings.HasPrefix(s.Ref, "-") || s.Kind == source.Git && strings.HasPrefix(s.Location, "-") {
			t.Errorf("%q could be an option", text)
		}
	})
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"":                                  "this one is empty",
		"a\nb":                              "control characters",
		"http://a.example/m.tgz":            "use https",
		"ftp://a.example/m.tgz":             "cannot be fetched from",
		"https://a.example/page":            "an archive ends with",
		"https://a.example/r.git":           "git::https://a.example/r.git",
		"https:///m.tgz":                    "no host",
		"https://u:secret@a.example/m.tgz":  "credentials do not belong",
		"https://token@a.example/m.tgz":     "credentials do not belong",
		"https://u:sec/ret@a.example/m.tgz": "no URL",
		"./m.tgz//../x":                     "goes down only",
		"git@g.example:r.git":               "git::git@g.example:r.git",
		"git::http://g.example/r.git":       "use https",
		"git::ext::sh -c touch% /tmp/x":     "cannot be fetched from",
		"git::ext://sh -c x":                "no URL",
		"git::fd://17":                      "cannot be fetched from",
		"git::--upload-pack=touch":          "cannot be fetched from",
		"git::-oProxyCommand=x@g.example:r": "no URL", "git::-oProxyCommand=x@g.example/r": "cannot be fetched from",
		"git::ssh://-oProxyCommand=x/r":         "no host",
		"git::ssh://-oProxyCommand@g.example/r": "no user",
		"git::ssh://u:secret@g.example/r":       "credentials do not belong",
		"git::file://host/r":                    "three slashes",
		"git::https://g.example/r?ref=--exec=x": "no name of a branch",
		"git::https://g.example/r?ref=a..b":     "no name of a branch",
		"git::https://g.example/r?ref=a%20b":    "no name of a branch",
		"git::https://g.example/r?ref=@{1}":     "no name of a branch",
		"git::https://g.example/r?depth=1":      "write ?ref=NAME",
		"oci://r.example":                       "write oci://HOST/NAME:TAG",
		"oci://r.example/Acme":                  "small letters",
		"oci://r.example/acme:":                 "is no tag",
		"oci://r.example/acme@md5:abc":          "a digest is wanted",
		"oci://u:secret@r.example/acme":         "credentials do not belong",
		"oci://r.example/../acme":               "write oci://",
		`./m.tgz//a\b`:                          "goes down only",
	}
	for text, want := range tests {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			_, err := source.Parse(text)
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Fatalf("error %v, want %q", err, want)
			}
			if strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "token") {
				t.Errorf("the error repeats credentials: %v", err)
			}
		})
	}
}

// TestIn: the lock file names paths from its own folder, wherever they were
// written.
func TestIn(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ text, base, wantText, wantPath string }{
		"beside":   {"./m.tgz", "/w/stack", "./m.tgz", "/w/stack/m.tgz"},
		"above":    {"../m.tgz", "/w/stack", "../m.tgz", "/w/m.tgz"},
		"deeper":   {"../m.tgz", "/w/stack/parts/a", "./parts/m.tgz", "/w/stack/parts/m.tgz"},
		"absolute": {"/opt/m.tgz", "/w/stack", "/opt/m.tgz", "/opt/m.tgz"},
		"URL":      {"https://a.example/m.tgz", "/w", "https://a.example/m.tgz", "https://a.example/m.tgz"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := source.Parse(tt.text)
			if err != nil {
				t.Fatal(err)
			}
			s = s.In(tt.base, "/w/stack")
			if s.Text != tt.wantText || s.Location != tt.wantPath {
				t.Errorf("%q at %q, want %q at %q", s.Text, s.Location, tt.wantText, tt.wantPath)
			}
		})
	}
}
