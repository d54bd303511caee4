package embedded

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	// startTimeout bounds how long a cloud may take until it serves; one with
	// much data has to read it first.
	startTimeout = 60 * time.Second
	stopTimeout  = 30 * time.Second
	// patience is how long a cloud that has the folder is waited for before
	// another one is tried.
	patience = 500 * time.Millisecond
	// poll is how often files are looked at: there is nothing to wait on
	// between processes that are not each other's parents.
	poll = 20 * time.Millisecond
	// logLimit is where the log starts anew at the next start.
	logLimit = 4 << 20
)

// Start makes sure that the cloud of a folder runs, with the command that
// serves it, and tells whether it had to be started.
func Start(ctx context.Context, dir string, command []string) (p *Process, started bool, err error) {
	if p, err := Find(ctx, dir); err == nil || !errors.Is(err, ErrNotRunning) {
		return p, false, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, false, fmt.Errorf("start the embedded cloud: %w", err)
	}
	unlock, err := lockStart(ctx, dir)
	if err != nil {
		return nil, false, fmt.Errorf("start the embedded cloud: %w", err)
	}
	defer unlock()
	if p, err := Find(ctx, dir); err == nil || !errors.Is(err, ErrNotRunning) {
		return p, false, err // somebody else was faster
	}
	for began := time.Now(); ; {
		p, err = launch(ctx, dir, command)
		if !errors.Is(err, errInUse) || time.Since(began) > startTimeout {
			break
		}
		if p, err := awaited(ctx, dir); err == nil || !errors.Is(err, ErrNotRunning) {
			return p, false, err
		}
	}
	if err != nil {
		return nil, false, fmt.Errorf("start the embedded cloud: %w", err)
	}
	return p, true, nil
}

// ExitInUse is the exit code of a command that was to serve a cloud and found
// another one on its folder.
const ExitInUse = 75

// errInUse says that some cloud has the folder that nobody knows of: one that
// a killed run started a moment ago, or one that is about to end.
var errInUse = errors.New("another cloud runs on this folder, and does not say where it serves")

// awaited gives a cloud that is about to serve, or to end, a moment for it.
func awaited(ctx context.Context, dir string) (p *Process, err error) {
	waited := until(ctx, patience, func() (bool, error) {
		p, err = Find(ctx, dir)
		return !errors.Is(err, ErrNotRunning), nil
	})
	if ctx.Err() != nil {
		return nil, waited
	}
	return p, err
}

// lockStart lets one process at a time start the cloud of a folder.
func lockStart(ctx context.Context, dir string) (unlock func(), err error) {
	file, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	err = until(ctx, startTimeout, func() (bool, error) {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if errors.Is(err, syscall.EWOULDBLOCK) || errors.Is(err, syscall.EINTR) {
			return false, nil
		}
		return true, err
	})
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return func() { _ = file.Close() }, nil // closing unlocks; nothing was written
}

// launch starts the process in a session of its own, so that it outlives this
// one and its terminal, and waits until it serves.
func launch(ctx context.Context, dir string, command []string) (*Process, error) {
	log, err := openLog(dir)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	from, err := log.Seek(0, 2)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, log, log
	cmd.Env = environment()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }() // ends with the cloud, or with this process
	var found *Process
	err = until(ctx, startTimeout, func() (bool, error) {
		select {
		case err := <-ended:
			var exit *exec.ExitError
			if errors.As(err, &exit) && exit.ExitCode() == ExitInUse {
				return true, errInUse
			}
			return true, fmt.Errorf("it ended at once (%w): %s", errors.Join(err, errors.New("see "+log.Name())), tail(log.Name(), from))
		default:
		}
		p, err := Find(ctx, dir)
		if errors.Is(err, ErrNotRunning) {
			return false, nil
		}
		found = p
		return err == nil && p.PID == cmd.Process.Pid, err
	})
	return found, err
}

func openLog(dir string) (*os.File, error) {
	path, flags := LogPath(dir), os.O_CREATE|os.O_RDWR|os.O_APPEND
	if info, err := os.Stat(path); err == nil && info.Size() > logLimit {
		flags |= os.O_TRUNC
	}
	return os.OpenFile(path, flags, 0o600)
}

// environment is ours without the credentials of other clouds.
func environment() []string {
	var env []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "MOLD_") && !strings.HasPrefix(v, "CLOUDSTACK_") {
			env = append(env, v)
		}
	}
	return env
}

// tail returns the last lines written to the log since a position.
func tail(path string, from int64) string {
	text, err := os.ReadFile(path)
	if err != nil || int64(len(text)) <= from {
		return "it wrote nothing"
	}
	lines := bytes.Split(bytes.TrimSpace(text[from:]), []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-5):], []byte("\n")))
}

// Stop ends the process and waits until it is gone. Its data stays.
func (p Process) Stop(ctx context.Context) error {
	// Its answer may be cut off by its end.
	if err := p.ask(ctx, http.MethodPost, "/stop", struct{}{}, nil); err != nil && !errors.Is(err, ErrNotRunning) {
		return err
	}
	return until(ctx, stopTimeout, func() (bool, error) {
		if errors.Is(syscall.Kill(p.PID, 0), syscall.ESRCH) {
			return true, nil
		}
		_, err := os.Stat(filepath.Join(p.dir, processFile))
		if errors.Is(err, fs.ErrNotExist) {
			return true, nil
		}
		return false, err
	})
}

// Withdraw is called by the process that served, as its last act.
func Withdraw(dir string) error {
	if err := os.Remove(filepath.Join(dir, processFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("say that the embedded cloud has ended: %w", err)
	}
	return nil
}

// until polls until done answers true or an error, or time is up.
func until(ctx context.Context, limit time.Duration, done func() (bool, error)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("nothing happened for %s", limit))
	defer cancel()
	ticker := time.NewTicker(poll)
	defer ticker.Stop()
	for {
		if ok, err := done(); ok || err != nil {
			return err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
