package lb

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// bufferSize is what one direction of a relayed connection holds at a time.
const bufferSize = 32 << 10

var buffers = sync.Pool{New: func() any { return new([bufferSize]byte) }}

// Relay copies between two connections until both directions have ended, nothing has moved for the
// idle time (0 waits for ever), or ctx is done. It closes both. The end of one direction is passed on
// where the connection can be closed by halves, so that a client may finish sending and still read.
func Relay(ctx context.Context, a, b net.Conn, idle time.Duration) {
	stop := context.AfterFunc(ctx, func() {
		_ = a.Close()
		_ = b.Close()
	})
	defer stop()
	var last atomic.Int64
	last.Store(time.Now().UnixNano())
	var both sync.WaitGroup
	both.Go(func() { oneWay(b, a, idle, &last) })
	oneWay(a, b, idle, &last)
	both.Wait()
	_ = a.Close()
	_ = b.Close()
}

// oneWay copies from src to dst and then ends dst's incoming side. An error ends both connections: the
// other direction could never finish.
func oneWay(dst, src net.Conn, idle time.Duration, last *atomic.Int64) {
	buffer := buffers.Get().(*[bufferSize]byte)
	defer buffers.Put(buffer)
	for {
		if idle > 0 {
			_ = src.SetReadDeadline(time.Now().Add(idle)) // a closed connection fails in Read
		}
		n, err := src.Read(buffer[:])
		if n > 0 {
			last.Store(time.Now().UnixNano())
			if _, werr := dst.Write(buffer[:n]); werr != nil {
				err = werr
			}
		}
		if errors.Is(err, os.ErrDeadlineExceeded) && time.Since(time.Unix(0, last.Load())) < idle {
			continue // the other direction is busy
		}
		if err == nil {
			continue
		}
		if half, ok := dst.(interface{ CloseWrite() error }); ok && errors.Is(err, io.EOF) {
			_ = half.CloseWrite()
			return
		}
		_ = dst.Close()
		_ = src.Close()
		return
	}
}
