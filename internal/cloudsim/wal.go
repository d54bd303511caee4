package cloudsim

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
)

// wal is the write-ahead log: a file of JSON lines, one line per committed group of changes. A line is valid only if it is
// whole, so a group torn by a kill is as if it had never been. Opening compacts the log to one line per row.
type wal struct {
	path    string
	file    *os.File
	written atomic.Uint64
	broken  atomic.Bool // what is on disk is no longer known: nothing more is written
	size    int64       // of the file; guarded by the cloud's lock, as all appending is
	limit   int64       // size at which it is compacted again

	syncing sync.Mutex // held during fsync, so that waiters share one, and while the file is replaced
	synced  uint64
}

type walLine struct {
	Seq     uint64           `json:"s"`
	Records []record         `json:"r"`
	Next    map[string]int64 `json:"next,omitempty"`
}

const (
	walName = "cloud.log"
	// minLogLimit is the least size at which a log is compacted while the cloud runs.
	minLogLimit = 32 << 20
)

// openWAL reads the log of dir into the store, writes it anew in compact form and leaves it open for appending.
func openWAL(dir string, s *store) (*wal, error) {
	w := &wal{path: filepath.Join(dir, walName)}
	if err := w.replay(s); err != nil {
		return nil, err
	}
	for _, t := range s.all {
		t.sort()
	}
	if err := w.compact(s); err != nil {
		return nil, err
	}
	return w, nil
}

func (w *wal) replay(s *store) error {
	f, err := os.Open(w.path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the cloud's data: %w", err)
	}
	defer f.Close()
	tables := make(map[string]anyTable, len(s.all))
	for _, t := range s.all {
		tables[t.tableName()] = t
	}
	r := bufio.NewReaderSize(f, 1<<16)
	for number := 1; ; number++ {
		line, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil // whatever follows the last newline was never acknowledged
		}
		if err != nil {
			return fmt.Errorf("read the cloud's data: %w", err)
		}
		if err := applyLine(line, s, tables); err != nil {
			if _, peekErr := r.Peek(1); errors.Is(peekErr, io.EOF) {
				return nil // a torn last line
			}
			return fmt.Errorf("read the cloud's data: %s line %d: %w", w.path, number, err)
		}
	}
}

func applyLine(line []byte, s *store, tables map[string]anyTable) error {
	var l walLine
	if err := json.Unmarshal(line, &l); err != nil {
		return err
	}
	for _, rec := range l.Records {
		t := tables[rec.Table]
		if t == nil {
			return fmt.Errorf("unknown table %q: the data was written by a newer version", rec.Table)
		}
		if err := t.load(rec.ID, rec.Value); err != nil {
			return err
		}
	}
	for name, n := range l.Next {
		if t := tables[name]; t != nil {
			t.setNumber(n)
		}
	}
	s.seq = max(s.seq, l.Seq)
	return nil
}

// compact replaces the log by one that holds each row once, atomically.
func (w *wal) compact(s *store) error {
	tmp, err := os.CreateTemp(filepath.Dir(w.path), walName+".*")
	if err != nil {
		return fmt.Errorf("write the cloud's data: %w", err)
	}
	defer os.Remove(tmp.Name()) // fails once it has its final name
	if err := writeAll(tmp, s); err != nil {
		tmp.Close()
		return fmt.Errorf("write the cloud's data: %w", err)
	}
	if err := os.Rename(tmp.Name(), w.path); err != nil {
		tmp.Close()
		return fmt.Errorf("write the cloud's data: %w", err)
	}
	if err := syncDir(filepath.Dir(w.path)); err != nil {
		tmp.Close()
		return err
	}
	w.syncing.Lock()
	defer w.syncing.Unlock()
	if w.file != nil {
		w.file.Close()
	}
	w.file = tmp
	if info, err := tmp.Stat(); err == nil {
		w.size = info.Size()
	}
	w.limit = max(minLogLimit, 4*w.size)
	w.written.Store(s.seq)
	w.synced = s.seq
	return nil
}

func writeAll(f *os.File, s *store) error {
	b := bufio.NewWriterSize(f, 1<<16)
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	next := make(map[string]int64, len(s.all))
	for _, t := range s.all {
		next[t.tableName()] = t.number()
		err := t.dump(func(id string, row any) error {
			value, err := json.Marshal(row)
			if err != nil {
				return fmt.Errorf("encode row %s of table %s: %w", id, t.tableName(), err)
			}
			return enc.Encode(walLine{Seq: s.seq, Records: []record{{t.tableName(), id, value}}})
		})
		if err != nil {
			return err
		}
	}
	if err := enc.Encode(walLine{Seq: s.seq, Next: next}); err != nil {
		return err
	}
	if err := b.Flush(); err != nil {
		return err
	}
	return f.Sync()
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("write the cloud's data: %w", err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("write the cloud's data: %w", err)
	}
	return nil
}

// append writes one group of changes; it is durable after sync(seq).
func (w *wal) append(seq uint64, records []record) error {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(walLine{Seq: seq, Records: records}); err != nil {
		return fmt.Errorf("write the cloud's data: %w", err)
	}
	if w.broken.Load() {
		return errors.New("write the cloud's data: an earlier write failed; start the cloud again")
	}
	if _, err := w.file.Write(buf.Bytes()); err != nil {
		return errors.Join(fmt.Errorf("write the cloud's data: %w", err), w.cutBack())
	}
	w.size += int64(buf.Len())
	w.written.Store(seq)
	return nil
}

// cutBack removes the part of a line that a failed write left, so that later lines do not follow a torn one.
func (w *wal) cutBack() error {
	_, err := w.file.Seek(w.size, io.SeekStart)
	if err = errors.Join(err, w.file.Truncate(w.size)); err != nil {
		w.broken.Store(true)
		return fmt.Errorf("cut back the cloud's data: %w", err)
	}
	return nil
}

// sync returns once everything up to seq is on disk. Concurrent callers share one fsync.
func (w *wal) sync(seq uint64) error {
	w.syncing.Lock()
	defer w.syncing.Unlock()
	if w.synced >= seq {
		return nil
	}
	upTo := w.written.Load()
	if err := w.file.Sync(); err != nil {
		w.broken.Store(true)
		return fmt.Errorf("write the cloud's data: %w", err)
	}
	w.synced = upTo
	return nil
}

func (w *wal) close() error {
	w.syncing.Lock()
	defer w.syncing.Unlock()
	return errors.Join(w.file.Sync(), w.file.Close())
}
