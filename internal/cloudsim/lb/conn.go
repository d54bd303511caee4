package lb

import (
	"net"
	"sync"
	"sync/atomic"
)

// countedConn counts what a client sends and gets, and tells once that it was closed.
type countedConn struct {
	net.Conn
	in, out *atomic.Int64
	onClose func()
	once    sync.Once
	init    sync.Once
	done    chan struct{}
}

func (c *countedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.in.Add(int64(n))
	return n, err
}

func (c *countedConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.out.Add(int64(n))
	return n, err
}

// CloseWrite ends one direction where the connection below can.
func (c *countedConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return c.Close()
}

// Close closes the connection; the first call reports it.
func (c *countedConn) Close() error {
	err := c.Conn.Close()
	c.once.Do(func() {
		close(c.ended())
		if c.onClose != nil {
			c.onClose()
		}
	})
	return err
}

// ended is closed when the connection is.
func (c *countedConn) ended() chan struct{} {
	c.init.Do(func() { c.done = make(chan struct{}) })
	return c.done
}

// reset cuts a connection so that the client sees a reset rather than an end.
func reset(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}

// connQueue is a net.Listener whose connections are pushed by the owner: it lets http.Server serve
// connections that somebody else accepted.
type connQueue struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newConnQueue() *connQueue {
	return &connQueue{conns: make(chan net.Conn), closed: make(chan struct{})}
}

// push hands a connection to the server, or closes it if the server has stopped.
func (q *connQueue) push(c net.Conn) {
	select {
	case q.conns <- c:
	case <-q.closed:
		_ = c.Close()
	}
}

func (q *connQueue) Accept() (net.Conn, error) {
	select {
	case c := <-q.conns:
		return c, nil
	case <-q.closed:
		return nil, net.ErrClosed
	}
}

func (q *connQueue) Close() error {
	q.once.Do(func() { close(q.closed) })
	return nil
}

func (q *connQueue) Addr() net.Addr { return &net.TCPAddr{} }
