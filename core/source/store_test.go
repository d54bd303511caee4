package source_test

import (
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/moldctl/moldctl/core/source"
	"github.com/moldctl/moldctl/core/spec"
)

// open opens a store with an empty cache for a new folder.
func open(t *testing.T, change func(*source.Options)) *source.Store {
	t.Helper()
	o := source.Options{Folder: t.TempDir(), Cache: filepath.Join(t.TempDir(), "cache"), Platform: "linux_amd64", Limits: small()}
	if change != nil {
		change(&o)
	}
	s, err := source.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func parse(t *testing.T, s *source.Store, text string) source.Source {
	t.Helper()
	src, err := source.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return src.In(s.Folder(), s.Folder())
}

func constraint(t *testing.T, text string) spec.Constraint {
	t.Helper()
	if text == "" {
		return spec.Constraint{}
	}
	c, err := spec.ParseConstraint(text)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// content are the files below a folder.
func content(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	entries, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range entries {
		if text, err := os.ReadFile(name); err == nil {
			out[filepath.Base(name)] = string(text)
		}
	}
	return out
}

func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestSameContentSameHash: the way does not matter.
func TestSameContentSameHash(t *testing.T) {
	t.Parallel()
	files := map[string]string{"main.hcl": "# main\n", "parts/x.txt": "x"}
	entries := []entry{{name: "main.hcl", body: "# main\n"}, {name: "parts/x.txt", body: "x"}}
	s := open(t, nil)
	write(t, filepath.Join(s.Folder(), "m"), files)
	write(t, filepath.Join(s.Folder(), "m", ".git"), map[string]string{"HEAD": "not part of it"})
	for name, archive := range map[string][]byte{"m.tar.gz": tarGz(t, entries...), "m.zip": zipOf(t, entries...)} {
		write(t, s.Folder(), map[string]string{name: string(archive)})
	}
	hashes := map[string]bool{}
	for _, text := range []string{"./m", "./m.tar.gz", "./m.zip"} {
		p, err := s.Fetch(t.Context(), parse(t, s, text), spec.Constraint{})
		if err != nil {
			t.Fatal(err)
		}
		hashes[p.Hash] = true
		if diff := cmp.Diff(map[string]string{"main.hcl": "# main\n"}, content(t, p.Dir)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
	if len(hashes) != 1 {
		t.Errorf("hashes differ: %v", hashes)
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(s.Folder()), "*", "fetch-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

// TestSweep: what a killed run left in the cache goes, what runs now stays.
func TestSweep(t *testing.T) {
	t.Parallel()
	cache := filepath.Join(t.TempDir(), "cache")
	s := open(t, func(o *source.Options) { o.Cache = cache })
	write(t, s.Folder(), map[string]string{"m/main.hcl": "x"})
	write(t, cache, map[string]string{"fetch-old/archive": "x", "fetch-now/archive": "x"})
	old := time.Now().Add(-48 * time.Hour)
	if err := os.Chtimes(filepath.Join(cache, "fetch-old"), old, old); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Fetch(t.Context(), parse(t, s, "./m"), spec.Constraint{}); err != nil {
		t.Fatal(err)
	}
	left, err := filepath.Glob(filepath.Join(cache, "fetch-*"))
	if diff := cmp.Diff([]string{filepath.Join(cache, "fetch-now")}, left); diff != "" || err != nil {
		t.Errorf("left (-want +got):\n%s %v", diff, err)
	}
}

// TestFolderInside: what follows // is taken, and the one folder of an archive
// stands for the archive.
func TestFolderInside(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	write(t, s.Folder(), map[string]string{"one.zip": string(zipOf(t, entry{name: "base-1.0/main.hcl", body: "x"}, entry{name: "base-1.0/sub/inner.hcl", body: "y"}))})
	tests := map[string]struct {
		text string
		want map[string]string
	}{
		"the one folder":   {"./one.zip", map[string]string{"main.hcl": "x"}},
		"named":            {"./one.zip//base-1.0", map[string]string{"main.hcl": "x"}},
		"below the one":    {"./one.zip//sub", map[string]string{"inner.hcl": "y"}},
		"there is no such": {"./one.zip//other", nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := s.Fetch(t.Context(), parse(t, s, tt.text), spec.Constraint{})
			if tt.want == nil {
				if err == nil || !strings.Contains(err.Error(), `no folder "other"`) {
					t.Errorf("error %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, content(t, p.Dir)); diff != "" {
				t.Errorf("content (-want +got):\n%s", diff)
			}
		})
	}
}

// TestFolderRefused: a folder of the user's is read by the rules of archives.
func TestFolderRefused(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	write(t, s.Folder(), map[string]string{"secret": "s", "m/main.hcl": "x"})
	for name, target := range map[string]string{"above": "../secret", "absolute": filepath.Join(s.Folder(), "secret")} {
		link := filepath.Join(s.Folder(), "m", name)
		if err := os.Symlink(target, link); err != nil {
			t.Fatal(err)
		}
		_, err := s.Fetch(t.Context(), parse(t, s, "./m"), spec.Constraint{})
		var refused *source.RefusedError
		if !errors.As(err, &refused) || refused.Entry != name {
			t.Errorf("%s: error %v, want a refusal", name, err)
		}
		if err := os.Remove(link); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCached(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	write(t, s.Folder(), map[string]string{"m/main.hcl": "x"})
	p, err := s.Fetch(t.Context(), parse(t, s, "./m"), spec.Constraint{})
	if err != nil {
		t.Fatal(err)
	}
	changes := map[string]func() error{
		"a file is added":   func() error { return os.WriteFile(filepath.Join(p.Root, "more"), []byte("x"), 0o600) },
		"a file is changed": func() error { return os.WriteFile(filepath.Join(p.Root, "main.hcl"), []byte("y"), 0o600) },
		"a file is a link": func() error {
			return errors.Join(os.Remove(filepath.Join(p.Root, "main.hcl")), os.Symlink(filepath.Join(s.Folder(), "m", "main.hcl"), filepath.Join(p.Root, "main.hcl")))
		},
		"a file is gone":      func() error { return os.Remove(filepath.Join(p.Root, "main.hcl")) },
		"a file is elsewhere": func() error { return os.Rename(filepath.Join(p.Root, "main.hcl"), filepath.Join(p.Root, "other.hcl")) },
	}
	for name, change := range changes {
		if _, err := s.Cached(p.Hash); err != nil {
			t.Fatal(err)
		}
		if err := change(); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Cached(p.Hash); !errors.Is(err, source.ErrChanged) {
			t.Errorf("%s: error %v", name, err)
		}
		if _, err := s.Fetch(t.Context(), parse(t, s, "./m"), spec.Constraint{}); err != nil { // mends it
			t.Fatal(err)
		}
	}
	if err := os.RemoveAll(p.Root); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Cached(p.Hash); !errors.Is(err, source.ErrAbsent) {
		t.Errorf("error %v", err)
	}
	for _, bad := range []string{"", "h1:", "h1:../../x", "h1:" + strings.Repeat("A", 43)} {
		if _, err := s.Cached(bad); err == nil {
			t.Errorf("%q is a hash", bad)
		}
	}
}

func TestDownload(t *testing.T) {
	t.Parallel()
	good := zipOf(t, entry{name: "main.hcl", body: "x"})
	mux := http.NewServeMux()
	mux.HandleFunc("/m.zip", func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write(good) })
	mux.HandleFunc("/moved.zip", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/m.zip?sig=hidden", http.StatusFound)
	})
	mux.HandleFunc("/loop.zip", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/loop.zip", http.StatusFound) })
	mux.HandleFunc("/plain.zip", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://other.example/m.zip?sig=hidden", http.StatusFound)
	})
	mux.HandleFunc("/file.zip", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
	})
	mux.HandleFunc("/page.zip", func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte("<html>sign in</html>")) })
	mux.HandleFunc("/large.zip", func(w http.ResponseWriter, r *http.Request) {
		for range 40 {
			_, _ = w.Write(make([]byte, 64<<10)) // no length is said
		}
	})
	server := httptest.NewUnstartedServer(mux)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // a stranger hangs up below
	server.StartTLS()
	t.Cleanup(server.Close)
	s := open(t, func(o *source.Options) { o.Client = server.Client() })
	tests := map[string]string{
		"/m.zip": "", "/moved.zip": "", "/m.zip?sig=hidden": "", "/loop.zip": "redirects without end", "/plain.zip": "without https", "/file.zip": "without https",
		"/page.zip": "neither a zip nor", "/large.zip": "larger than 1 MiB", "/missing.zip?sig=hidden": "404 Not Found",
	}
	for path, want := range tests {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			_, err := s.Fetch(t.Context(), parse(t, s, server.URL+path), spec.Constraint{})
			if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
				t.Fatalf("error %v, want %q", err, want)
			}
			if err != nil && strings.Contains(err.Error(), "hidden") {
				t.Errorf("the error repeats what may be a key: %v", err)
			}
		})
	}
	stranger := open(t, nil) // does not know the server's certificate
	if _, err := stranger.Fetch(t.Context(), parse(t, stranger, server.URL+"/m.zip?sig=hidden"), spec.Constraint{}); err == nil || strings.Contains(err.Error(), "hidden") {
		t.Errorf("error %v, want one of the certificate", err)
	}
}

// repository makes a git repository with the tags v1.0.0, v1.1.0, v2.0.0-rc1
// and a branch.
func repository(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	dir := t.TempDir()
	git := func(args ...string) {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "core.hooksPath=/dev/null"}, args...)...)
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "GIT_CONFIG_NOSYSTEM=1"}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	git("init", "-q", "-b", "main", ".")
	for _, tag := range []string{"v1.0.0", "v1.1.0", "v2.0.0-rc1"} {
		write(t, dir, map[string]string{"main.hcl": tag, "sub/inner.hcl": "inner"})
		git("add", "-A")
		git("commit", "-q", "-m", tag)
		git("tag", tag)
	}
	git("checkout", "-q", "-b", "feature/x")
	write(t, dir, map[string]string{"main.hcl": "branch"})
	git("commit", "-q", "-a", "-m", "branch")
	git("checkout", "-q", "main")
	return dir
}

func TestGit(t *testing.T) {
	t.Parallel()
	dir := repository(t)
	head, err := exec.Command("git", "-C", dir, "rev-parse", "v1.0.0^{commit}").Output()
	if err != nil {
		t.Fatal(err)
	}
	commit := strings.TrimSpace(string(head))
	tests := map[string]struct{ rest, allowed, want, version, fails string }{
		"the head":         {rest: "", want: "v2.0.0-rc1"},
		"a tag":            {rest: "?ref=v1.0.0", want: "v1.0.0", version: "1.0.0"},
		"a branch":         {rest: "?ref=feature/x", want: "branch"},
		"a commit":         {rest: "?ref=" + commit, want: "v1.0.0"},
		"a constraint":     {rest: "", allowed: "~> 1.0", want: "v1.1.0", version: "1.1.0"},
		"exactly":          {rest: "", allowed: "1.0.0", want: "v1.0.0", version: "1.0.0"},
		"no pre-release":   {rest: "", allowed: ">= 2", fails: "no version fits"},
		"unknown tag":      {rest: "?ref=v3", fails: `no tag or branch "v3"; its tags: v1.0.0, v1.1.0, v2.0.0-rc1`},
		"unknown commit":   {rest: "?ref=" + strings.Repeat("0", 40), fails: "there is no commit"},
		"no such folder":   {rest: "//none?ref=v1.0.0", fails: `no folder "none"`},
		"no repository":    {rest: "/none", fails: "git file://"},
		"a folder":         {rest: "//sub?ref=v1.0.0", want: "", version: "1.0.0"},
		"a tag by its ref": {rest: "?ref=refs/tags/v1.0.0", fails: "no tag or branch"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, nil)
			p, err := s.Fetch(t.Context(), parse(t, s, "git::file://"+dir+tt.rest), constraint(t, tt.allowed))
			if tt.fails != "" {
				if err == nil || !strings.Contains(err.Error(), tt.fails) {
					t.Errorf("error %v, want %q", err, tt.fails)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := content(t, p.Dir)["main.hcl"]; got != tt.want || p.Version != tt.version {
				t.Errorf("%q, version %q; want %q, %q", got, p.Version, tt.want, tt.version)
			}
			if len(p.Revision) != 40 {
				t.Errorf("revision %q", p.Revision)
			}
		})
	}
}

// TestGitRunsNothing: neither the repository nor the user's configuration makes
// git run anything.
func TestGitRunsNothing(t *testing.T) {
	dir := repository(t)
	home := t.TempDir()
	mark := filepath.Join(t.TempDir(), "ran")
	write(t, home, map[string]string{".gitconfig": "[core]\n\thooksPath = " + home + "/hooks\n[url \"ext::touch " + mark + " \"]\n\tinsteadOf = file://\n[filter \"x\"]\n\tsmudge = touch " + mark + "\n"})
	write(t, dir, map[string]string{".gitattributes": "* filter=x\n", ".git/hooks/post-upload-pack": "#!/bin/sh\ntouch " + mark + "\n", ".git/info/attributes": "* filter=x\n"})
	t.Setenv("HOME", home)
	t.Setenv("GIT_EXEC_PATH_X", "1")
	t.Setenv("GIT_CONFIG_COUNT", "1")
	t.Setenv("GIT_CONFIG_KEY_0", "core.sshCommand")
	t.Setenv("GIT_CONFIG_VALUE_0", "touch "+mark)
	s := open(t, nil)
	if _, err := s.Fetch(t.Context(), parse(t, s, "git::file://"+dir+"?ref=v1.0.0"), spec.Constraint{}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(mark); err == nil {
		t.Error("something was run")
	}
}
