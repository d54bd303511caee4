// Package wire is the cable between two ends inside this process: a buffered,
// full-duplex net.Conn with deadlines and half-close, as TCP has them. Guests
// talk over it, so an idle guest needs no socket and no goroutine.
//
// It imports the standard library only.
package wire

import (
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// window is how much one direction holds before its writer waits.
const window = 64 << 10

// Conn is one end. Besides net.Conn it has CloseWrite, as *net.TCPConn does.
type Conn struct {
	in, out       *half
	local, remote net.Addr
}

// Pair makes a connection between the addresses a and b and returns both ends.
func Pair(a, b net.Addr) (*Conn, *Conn) {
	ab, ba := newHalf(), newHalf()
	return &Conn{in: ba, out: ab, local: a, remote: b}, &Conn{in: ab, out: ba, local: b, remote: a}
}

// Read implements net.Conn.
func (c *Conn) Read(p []byte) (int, error) { return c.in.read(p) }

// Write implements net.Conn.
func (c *Conn) Write(p []byte) (int, error) { return c.out.write(p) }

// Close ends both directions. What was written before can still be read.
func (c *Conn) Close() error {
	c.out.closeWrite()
	c.in.closeRead()
	return nil
}

// CloseWrite tells the other end that nothing more will come.
func (c *Conn) CloseWrite() error {
	c.out.closeWrite()
	return nil
}

// Break ends the connection as a machine that lost its power does: the other
// end sees a reset.
func (c *Conn) Break() {
	c.out.reset()
	c.in.reset()
}

// LocalAddr implements net.Conn.
func (c *Conn) LocalAddr() net.Addr { return c.local }

// RemoteAddr implements net.Conn.
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

// SetDeadline implements net.Conn.
func (c *Conn) SetDeadline(t time.Time) error {
	c.in.readDeadline.set(c.in, t)
	c.out.writeDeadline.set(c.out, t)
	return nil
}

// SetReadDeadline implements net.Conn.
func (c *Conn) SetReadDeadline(t time.Time) error {
	c.in.readDeadline.set(c.in, t)
	return nil
}

// SetWriteDeadline implements net.Conn.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	c.out.writeDeadline.set(c.out, t)
	return nil
}

// half is one direction.
type half struct {
	mu      sync.Mutex
	changed sync.Cond
	buf     []byte
	eof     bool // the writer closed
	gone    bool // the reader closed
	broken  bool
	readDeadline,
	writeDeadline deadline
}

func newHalf() *half {
	h := &half{}
	h.changed.L = &h.mu
	return h
}

func (h *half) read(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		switch {
		case h.broken:
			return 0, errReset
		case h.gone:
			return 0, net.ErrClosed
		case h.readDeadline.passed:
			return 0, os.ErrDeadlineExceeded
		case len(h.buf) > 0:
			n := copy(p, h.buf)
			h.buf = h.buf[n:]
			h.changed.Broadcast()
			return n, nil
		case h.eof:
			return 0, io.EOF
		case len(p) == 0:
			return 0, nil
		}
		h.changed.Wait()
	}
}

func (h *half) write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	sent := 0
	for {
		switch {
		case h.broken:
			return sent, errReset
		case h.eof:
			return sent, net.ErrClosed
		case h.gone:
			return sent, errReset
		case h.writeDeadline.passed:
			return sent, os.ErrDeadlineExceeded
		case sent == len(p):
			return sent, nil
		}
		if room := window - len(h.buf); room > 0 {
			n := min(room, len(p)-sent)
			h.buf = append(h.buf, p[sent:sent+n]...)
			sent += n
			h.changed.Broadcast()
			continue
		}
		h.changed.Wait()
	}
}

func (h *half) closeWrite() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.eof = true
	h.writeDeadline.stop()
	h.changed.Broadcast()
}

func (h *half) closeRead() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.gone = true
	h.buf = nil
	h.readDeadline.stop()
	h.changed.Broadcast()
}

func (h *half) reset() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.broken = true
	h.buf = nil
	h.readDeadline.stop()
	h.writeDeadline.stop()
	h.changed.Broadcast()
}

// deadline is guarded by the mutex of its half.
type deadline struct {
	timer  *time.Timer
	serial int
	passed bool
}

func (d *deadline) stop() {
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
}

func (d *deadline) set(h *half, t time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	d.stop()
	d.serial++
	d.passed = false
	if t.IsZero() {
		return
	}
	wait := time.Until(t)
	if wait <= 0 {
		d.passed = true
		h.changed.Broadcast()
		return
	}
	serial := d.serial
	d.timer = time.AfterFunc(wait, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if d.serial == serial {
			d.passed = true
			h.changed.Broadcast()
		}
	})
}

// errReset is what the peer of a dead machine sees.
var errReset = &net.OpError{Op: "read", Net: "tcp", Err: resetError{}}

type resetError struct{}

func (resetError) Error() string { return "connection reset by peer" }
