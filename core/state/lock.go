package state

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"time"
)

// LockHolder is who holds a state, as recorded in its lock file.
type LockHolder struct {
	PID     int       `json:"pid"`
	Host    string    `json:"host"`
	User    string    `json:"user"`
	Command string    `json:"command"`
	Started time.Time `json:"started"`
}

// String describes the holder for a message.
func (h LockHolder) String() string {
	if h.PID == 0 {
		return "another process"
	}
	return fmt.Sprintf("%q of %s (process %d on %s, since %s)",
		h.Command, h.User, h.PID, h.Host, h.Started.Local().Format("2006-01-02 15:04:05"))
}

// LockedError says that another process holds the state.
type LockedError struct {
	Holder LockHolder
	Waited time.Duration
	Until  time.Time // end of its lease, if it has one
}

// Error says who holds the state and what can be done.
func (e *LockedError) Error() string {
	waited := ""
	if e.Waited > 0 {
		waited = fmt.Sprintf(" after waiting %s", e.Waited)
	}
	lease := ""
	if !e.Until.IsZero() {
		lease = fmt.Sprintf(" (if it is dead, the state is free soon after %s)", e.Until.Local().Format("15:04:05"))
	}
	return fmt.Sprintf("it is in use%s by %s%s; let it finish, or wait longer with --lock-timeout", waited, e.Holder, lease)
}

// lockPoll is how often a waiting process tries again: a lock of the operating
// system cannot be waited for with a limit.
const lockPoll = 100 * time.Millisecond

// lockSuffix makes the name of the lock file from that of the state.
const lockSuffix = ".lock"

// fileLock is a lock of the operating system on a file. The kernel releases it
// when its holder dies, so nothing is ever left locked. The file itself stays:
// removing it would let two processes lock two files of one name.
type fileLock struct{ file *os.File }

// acquire takes the lock, waiting up to opts.Wait for another holder.
func acquire(ctx context.Context, path string, opts Options) (*fileLock, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	lock := &fileLock{file: file}
	if err := lock.wait(ctx, opts); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	if err := lock.record(opts.Holder); err != nil {
		return nil, errors.Join(err, lock.release())
	}
	return lock, nil
}

func (l *fileLock) wait(ctx context.Context, opts Options) error {
	limit, stop := context.WithTimeout(ctx, opts.Wait)
	defer stop()
	for told := false; ; {
		ok, err := tryLock(l.file)
		if ok || err != nil {
			return err
		}
		if limit.Err() == nil && !told && opts.Waiting != nil {
			opts.Waiting(l.holder())
			told = true
		}
		timer := time.NewTimer(lockPoll)
		select {
		case <-timer.C:
		case <-limit.Done():
			timer.Stop()
			if err := ctx.Err(); err != nil {
				return err
			}
			return &LockedError{Holder: l.holder(), Waited: opts.Wait}
		}
	}
}

// holder reads who holds the lock; the zero value if that cannot be told,
// which happens in the moment between locking and recording.
func (l *fileLock) holder() LockHolder {
	var h LockHolder
	text, err := io.ReadAll(io.NewSectionReader(l.file, 0, 64<<10))
	if err != nil || json.Unmarshal(text, &h) != nil {
		return LockHolder{}
	}
	return h
}

// newHolder describes this process.
func newHolder(command string) LockHolder {
	h := LockHolder{PID: os.Getpid(), Command: command, Started: time.Now().UTC().Truncate(time.Second)}
	var err error
	if h.Host, err = os.Hostname(); err != nil {
		h.Host = "an unnamed host"
	}
	h.User = fmt.Sprintf("user %d", os.Getuid())
	if u, err := user.Current(); err == nil {
		h.User = u.Username
	}
	return h
}

// record writes who holds the lock into the file.
func (l *fileLock) record(command string) error {
	text, err := holderText(newHolder(command))
	if err != nil {
		return err
	}
	if err := l.file.Truncate(0); err != nil {
		return err
	}
	_, err = l.file.WriteAt(append(text, '\n'), 0)
	return err
}

// release gives the lock back and forgets who held it. It unlocks by itself:
// closing does so only when no process that is just being started has the file
// open too.
func (l *fileLock) release() error {
	return errors.Join(l.file.Truncate(0), unlock(l.file), l.file.Close())
}
