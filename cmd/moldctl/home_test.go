package main

import (
	"errors"
	"os/user"
	"testing"
)

func TestFindHome(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		set, known string
		unknown    error
		want       string
	}{
		"set":                 {set: "/home/a", known: "/home/b", want: "/home/a"},
		"known":               {known: "/home/b", want: "/home/b"},
		"nobody":              {unknown: errors.New("user: unknown userid 4711")},
		"no folder of a user": {known: ""},
		"not absolute":        {known: "home"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			home := tt.set
			err := findHome(func(string) string { return home },
				func(_, dir string) error { home = dir; return nil },
				func() (*user.User, error) { return &user.User{HomeDir: tt.known}, tt.unknown })
			if err != nil || home != tt.want {
				t.Errorf("got %q, %v, want %q", home, err, tt.want)
			}
		})
	}
}

// TestCacheFolder: without a home folder there is no cache, rather than one in
// whatever folder the command runs.
func TestCacheFolder(t *testing.T) {
	t.Setenv("MOLDCTL_CACHE_DIR", "")
	t.Setenv("XDG_CACHE_HOME", "")
	if dir := cacheFolder(""); dir != "" {
		t.Errorf("without a home: %q", dir)
	}
	t.Setenv("XDG_CACHE_HOME", "/cache")
	if dir := cacheFolder(""); dir != "/cache/moldctl/sources" {
		t.Errorf("with a cache folder: %q", dir)
	}
}
