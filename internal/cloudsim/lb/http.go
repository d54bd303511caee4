package lb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"os"
	"strconv"
)

// exchange is one request on its way: it ties the choice of a server to the generation that was loaded
// when the request came.
type exchange struct {
	generation *generation
	client     client
	from, to   net.Addr
	server     *server // chosen; nil until then
}

type exchangeKey struct{}

func exchangeOf(ctx context.Context) *exchange {
	x, _ := ctx.Value(exchangeKey{}).(*exchange)
	return x
}

// endpoints are the two ends of the client's connection that a dial is for.
func endpoints(ctx context.Context) (from, to net.Addr) {
	if x := exchangeOf(ctx); x != nil {
		return x.from, x.to
	}
	return nil, nil
}

// remoteAddr lets http.Request.RemoteAddr be used as a net.Addr.
type remoteAddr string

func (remoteAddr) Network() string  { return "tcp" }
func (a remoteAddr) String() string { return string(a) }

func (b *Balancer) serveHTTP(w http.ResponseWriter, r *http.Request) {
	if !b.begin() {
		fail(w, http.StatusServiceUnavailable)
		return
	}
	defer b.running.Done()
	g := b.current.Load()
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	x := &exchange{generation: g, from: remoteAddr(r.RemoteAddr), to: local}
	x.client = client{addr: addressOf(x.from), cookie: requestCookie(g.rule, r)}
	if g.pooled == nil { // the rule left http mode while this connection was taken
		fail(w, http.StatusServiceUnavailable)
		return
	}
	_ = http.NewResponseController(w).EnableFullDuplex() // a server may answer before it has read all; HTTP/1 supports it
	defer func() {
		if x.server != nil {
			g.release(x.server)
		}
	}()
	proxy := httputil.ReverseProxy{
		Rewrite:        func(p *httputil.ProxyRequest) { rewrite(p, g.rule, x) },
		Transport:      roundTripper{},
		ModifyResponse: func(resp *http.Response) error { setCookie(resp, g.rule, x); return nil },
		ErrorHandler:   func(w http.ResponseWriter, _ *http.Request, err error) { fail(w, statusOf(err)) },
		ErrorLog:       quiet,
		BufferPool:     bufferPool{},
	}
	proxy.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), exchangeKey{}, x)))
}

// rewrite leaves the request as the client sent it, and adds one X-Forwarded-For.
func rewrite(p *httputil.ProxyRequest, rule Rule, x *exchange) {
	p.Out.URL.Scheme = "http"
	p.Out.URL.RawQuery = p.In.URL.RawQuery
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"} {
		if values, ok := p.In.Header[name]; ok {
			p.Out.Header[name] = append([]string(nil), values...)
		}
	}
	p.Out.Header.Add("X-Forwarded-For", x.client.addr.String())
	if rule.Certificate != nil {
		p.Out.Header.Add("X-Forwarded-Proto", "https")
	}
	restoreCookie(p.Out, rule, x)
}

// roundTripper sends a request to the server its exchange is given.
type roundTripper struct{}

func (roundTripper) RoundTrip(r *http.Request) (*http.Response, error) {
	x := exchangeOf(r.Context())
	if r.Body != nil {
		r.Body = io.NopCloser(r.Body) // a refused try must not close it; the proxy does when all is over
	}
	var response *http.Response
	s, err := x.generation.dispatch(r.Context(), x.client, func(s *server) error {
		r.URL.Host = strconv.Itoa(x.generation.index(s)) + ":80"
		var err error
		response, err = x.generation.transportFor(r).RoundTrip(r)
		return err
	})
	x.server = s
	return response, err
}

// statusOf is what haproxy answers when a request could not be carried out.
func statusOf(err error) int {
	var refused *connectError
	var timeout interface{ Timeout() bool }
	switch {
	case errors.Is(err, errNoServer), errors.As(err, &refused):
		return http.StatusServiceUnavailable
	case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return http.StatusGatewayTimeout
	}
	return http.StatusBadGateway
}

// fail answers with haproxy's own page.
func fail(w http.ResponseWriter, status int) {
	title, text := "502 Bad Gateway", "The server returned an invalid or incomplete response."
	switch status {
	case http.StatusServiceUnavailable:
		title, text = "503 Service Unavailable", "No server is available to handle this request."
	case http.StatusGatewayTimeout:
		title, text = "504 Gateway Time-out", "The server didn't respond in time."
	}
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("Content-Type", "text/html")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, "<html><body><h1>%s</h1>\n%s\n</body></html>\n", title, text) // the client may be gone
}

var quiet = log.New(io.Discard, "", 0)

// bufferPool lends the relay's buffers to the proxy.
type bufferPool struct{}

func (bufferPool) Get() []byte  { return buffers.Get().(*[bufferSize]byte)[:] }
func (bufferPool) Put(b []byte) { buffers.Put((*[bufferSize]byte)(b[:bufferSize])) }
