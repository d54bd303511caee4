package main

import (
	"os"
	"os/user"
	"path/filepath"
)

// findHome gives services, timers and containers, which often run without
// $HOME, the home folder that the system knows for the user. Everything that is
// kept there (keys, profiles, the embedded cloud) is then found where the same
// user's shell finds it. Without any, what needs one says which setting to give
// in its place.
func findHome(getenv func(string) string, setenv func(string, string) error, current func() (*user.User, error)) error {
	if getenv("HOME") != "" {
		return nil
	}
	if u, err := current(); err == nil && filepath.IsAbs(u.HomeDir) {
		return setenv("HOME", u.HomeDir)
	}
	return nil // a user that the system does not know, as in containers
}

// home is the user's home folder, "" if there is none.
func home() string {
	dir, err := os.UserHomeDir()
	if err != nil || !filepath.IsAbs(dir) {
		return ""
	}
	return dir
}
