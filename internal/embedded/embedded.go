// Package embedded finds, starts and speaks to the process of the embedded
// cloud. The process belongs to a folder, outlives the program that started it,
// and comes back with its data after it was killed.
//
// It knows the cloud only by its admin API and does not import it: the program
// that runs the cloud calls Announce and Withdraw.
package embedded

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"time"
)

// ErrNotRunning means that no cloud runs on the folder.
var ErrNotRunning = errors.New("the embedded cloud is not running")

// The files of a cloud's folder.
const (
	processFile = "process.json" // who serves, with the keys; only while it runs
	configFile  = "config.json"  // how it is to run
	lockFile    = "start.lock"
	logFile     = "cloud.log"
	dataDir     = "data" // the cloud's own
)

// Config says how the cloud of a folder runs. It is kept, so that a cloud that
// comes back runs as before.
type Config struct {
	Latency   string  `json:"latency"`    // zero, fast or real
	TimeScale float64 `json:"time_scale"` // how many times faster than real time
	Flavor    string  `json:"flavor"`     // cloudstack, mold or both
	Zone      string  `json:"zone"`       // its name, at the first start
	Fidelity  string  `json:"fidelity"`   // strict or ideal
	Throttle  int     `json:"throttle"`   // calls an account may make in a second; 0: as the cloud's settings say

	Content   string                   `json:"content,omitempty"`   // file of the start content
	Latencies map[string]time.Duration `json:"latencies,omitempty"` // of single commands
}

// Equal tells whether two clouds run alike.
func (c Config) Equal(o Config) bool {
	same := maps.Equal(c.Latencies, o.Latencies)
	c.Latencies, o.Latencies = nil, nil
	return same && reflect.DeepEqual(c, o)
}

// DefaultConfig is how a cloud runs if nothing else is said.
func DefaultConfig() Config {
	return Config{Latency: "fast", TimeScale: 1, Flavor: "both", Zone: "zone-1", Fidelity: "strict"}
}

// Process is a running cloud, as it announces itself.
type Process struct {
	PID       int    `json:"pid"`
	Endpoint  string `json:"endpoint"`
	Admin     string `json:"admin"`   // URL of the admin API
	Token     string `json:"token"`   // of the admin API
	Account   string `json:"account"` // whose keys these are
	APIKey    string `json:"api_key"`
	SecretKey string `json:"secret_key"`

	dir string
}

// String keeps the keys out of messages.
func (p Process) String() string { return fmt.Sprintf("%s (process %d)", p.Endpoint, p.PID) }

// GoString keeps the keys out of %#v too.
func (p Process) GoString() string { return p.String() }

// DefaultDir is the folder of this user's cloud: $MOLDCTL_CLOUD_DIR, or
// moldctl/cloud in the folder for state.
func DefaultDir() (string, error) {
	if dir := os.Getenv("MOLDCTL_CLOUD_DIR"); dir != "" {
		return filepath.Abs(dir)
	}
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "moldctl", "cloud"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("find the folder of the embedded cloud: %w (or name one with --cloud-dir)", err)
	}
	return filepath.Join(home, ".local", "state", "moldctl", "cloud"), nil
}

// DataDir is where the cloud of a folder keeps its data.
func DataDir(dir string) string { return filepath.Join(dir, dataDir) }

// LogPath is where the process of a folder writes.
func LogPath(dir string) string { return filepath.Join(dir, logFile) }

// ReadConfig returns how the cloud of a folder runs.
func ReadConfig(dir string) (Config, error) {
	c := DefaultConfig()
	err := readJSON(filepath.Join(dir, configFile), &c)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return c, fmt.Errorf("read how the embedded cloud runs: %w", err)
	}
	return c, nil
}

// WriteConfig keeps how the cloud of a folder runs, from its next start on.
func WriteConfig(dir string, c Config) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the folder of the embedded cloud: %w", err)
	}
	return writeJSON(filepath.Join(dir, configFile), c)
}

// HasData tells whether the cloud of a folder was ever started.
func HasData(dir string) (bool, error) {
	entries, err := os.ReadDir(DataDir(dir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, fmt.Errorf("look at the folder of the embedded cloud: %w", err)
	}
	return len(entries) > 0, nil
}

// Announced returns what the last process of a folder announced, running or
// not: a cloud that comes back tries to serve at the same addresses.
func Announced(dir string) (Process, error) {
	p := Process{dir: dir}
	err := readJSON(filepath.Join(dir, processFile), &p)
	if errors.Is(err, fs.ErrNotExist) {
		return p, ErrNotRunning
	}
	if err != nil {
		return p, fmt.Errorf("read where the embedded cloud serves: %w", err)
	}
	return p, nil
}

// Announce is called by the process that serves, once it does.
func Announce(dir string, p Process) error { return writeJSON(filepath.Join(dir, processFile), p) }

// Find returns the running cloud of a folder, or ErrNotRunning.
func Find(ctx context.Context, dir string) (*Process, error) {
	p, err := Announced(dir)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	status, err := p.Status(ctx)
	switch {
	case err != nil && !errors.Is(err, ErrNotRunning):
		return nil, err
	case err != nil, status.PID != p.PID:
		return nil, ErrNotRunning
	}
	return &p, nil
}

func readJSON(path string, into any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// writeJSON replaces a file as a whole; only its owner may read it.
func writeJSON(path string, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	temp, err := os.CreateTemp(filepath.Dir(path), ".write-*") // made with mode 0600
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	_, err = temp.Write(append(text, '\n'))
	if err = errors.Join(err, temp.Close()); err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", path, err), os.Remove(temp.Name()))
	}
	return nil
}
