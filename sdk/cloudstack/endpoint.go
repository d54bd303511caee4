package cloudstack

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// parseEndpoint accepts what people paste: with or without the path of the API.
func parseEndpoint(text string) (*url.URL, error) {
	if strings.TrimSpace(text) == "" {
		return nil, fmt.Errorf("no endpoint: give the address of the API, for example https://cloud.example.com/client/api")
	}
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, fmt.Errorf("endpoint %q: give an http or https address, for example https://cloud.example.com/client/api", safeEndpoint(text))
	}
	if u.User != nil {
		return nil, fmt.Errorf("endpoint %s: a user name or password in the address is not used; sign with an API key", safeEndpoint(text))
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = "/client/api"
	}
	u.RawQuery, u.Fragment = "", ""
	return u, nil
}

// safeEndpoint is the address with everything removed that could be secret: user, query, fragment.
func safeEndpoint(text string) string {
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil || u.Host == "" {
		head, _, _ := strings.Cut(text, "?")
		if at := strings.LastIndex(head, "@"); at >= 0 {
			head = head[at+1:]
		}
		return head
	}
	return u.Scheme + "://" + u.Host + u.Path
}

// connectTimeout bounds how long a connection may take: a server that is there
// accepts within a round trip or two, however long it then works on a request.
const connectTimeout = 10 * time.Second

func newTransport(s Settings) (http.RoundTripper, error) {
	base, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return nil, fmt.Errorf("set up HTTP: the default transport was replaced")
	}
	t := base.Clone()
	t.MaxIdleConnsPerHost = s.MaxRequests
	t.MaxConnsPerHost = s.MaxRequests
	t.DialContext = (&net.Dialer{Timeout: min(connectTimeout, s.Timeout), KeepAlive: 30 * time.Second}).DialContext
	t.ResponseHeaderTimeout = s.Timeout
	t.IdleConnTimeout = 60 * time.Second
	t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: s.Insecure} //nolint:gosec // only when the user says insecure
	if s.CACert == "" {
		return t, nil
	}
	pem := []byte(s.CACert)
	if !strings.Contains(s.CACert, "-----BEGIN") {
		var err error
		if pem, err = os.ReadFile(s.CACert); err != nil {
			return nil, fmt.Errorf("read ca_cert: %w", err)
		}
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("ca_cert holds no certificate: give PEM text (-----BEGIN CERTIFICATE-----) or the path of a PEM file")
	}
	t.TLSClientConfig.RootCAs = pool
	return t, nil
}
