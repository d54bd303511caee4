package cloudstack

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"
)

// ErrGone is what reading an object by its id gives when the cloud says that it does not exist.
var ErrGone = errors.New("the object does not exist any more")

// Error is a refusal by the cloud: of the call itself, or of the job it started.
type Error struct {
	Command string
	HTTP    int           // status of the answer; 200 for a failed job, and for errors that Mold reports inside a good answer
	Code    int           // errorcode: 431 bad parameter or state, 530 internal, 533 no capacity, 535 limit, 537 rule conflict …
	CSCode  int           // cserrorcode, 0 when absent
	Text    string        // errortext
	JobID   string        // set when a job failed
	ID      string        // object the failed call made or was making, when known
	UUIDs   []string      // ids the cloud named with the error
	Note    string        // what we can add: how it was signed, what to try
	Rest    time.Duration // how long the cloud asked to be left alone, when it refused for load
}

// Error says which command was refused, how and why.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: ", e.Command)
	if e.Text == "" {
		b.WriteString("the cloud gave no reason")
	} else {
		b.WriteString(strings.TrimSpace(e.Text))
	}
	fmt.Fprintf(&b, " (%d", e.Code)
	if e.CSCode != 0 && e.CSCode != 9999 {
		fmt.Fprintf(&b, "/%d", e.CSCode)
	}
	if e.JobID != "" {
		b.WriteString(", job " + e.JobID)
	}
	b.WriteString(")")
	if e.Note != "" {
		b.WriteString(": " + e.Note)
	}
	return b.String()
}

// CodeOf is the API's error code in err, 0 when err is no refusal by the cloud.
func CodeOf(err error) int {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return 0
}

// IsGone says whether err proves that the object asked for does not exist.
func IsGone(err error) bool { return errors.Is(err, ErrGone) }

// unknownID says whether the cloud refused the parameter id because no such entity exists.
func unknownID(err error, parameter string) bool {
	var e *Error
	return errors.As(err, &e) && e.Code == 431 && strings.Contains(e.Text, "Invalid parameter "+parameter+" value=") &&
		strings.Contains(e.Text, "entity does not exist")
}

// transportError is a request that got no answer.
type transportError struct {
	command string
	host    string
	sent    bool // the request, or a part of it, may have reached the server
	err     error
}

func (e *transportError) Error() string {
	return fmt.Sprintf("%s: cannot reach the cloud at %s: %s", e.command, e.host, plainCause(e.err))
}

func (e *transportError) Unwrap() error { return e.err }

// newTransportError drops the *url.Error around the cause, since that holds the signed address.
func newTransportError(command, host string, sent bool, err error) *transportError {
	var wrapped *url.Error
	for errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	return &transportError{command: command, host: host, sent: sent, err: err}
}

func plainCause(err error) string {
	var dns *net.DNSError
	var unknown x509.UnknownAuthorityError
	var hostname x509.HostnameError
	var invalid x509.CertificateInvalidError
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &dns):
		return fmt.Sprintf("the name %s is not known: is the endpoint spelled right?", dns.Name)
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused: is the management server running, and is this its address and port?"
	case errors.As(err, &unknown):
		return "its certificate is signed by an authority this machine does not know: give ca_cert, or insecure = true to go without verification"
	case errors.As(err, &hostname), errors.As(err, &invalid):
		return err.Error() + ": use the name in the certificate, or give ca_cert or insecure = true"
	case errors.As(err, &record):
		return "it does not speak TLS here: is it http instead of https?"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return "no answer in time: is this its address and port, and is the management server well? The setting timeout (MOLD_TIMEOUT) gives it longer"
	}
	return err.Error()
}

// formatError is an answer that is not the API's.
type formatError struct {
	command string
	where   string
	status  int
	kind    string // content type
	said    string
	rest    time.Duration // how long the server asked to be left alone
}

func (e *formatError) Error() string {
	return fmt.Sprintf("%s: %s %s (HTTP %d %s, content type %q)", e.command, e.where, e.said, e.status, http.StatusText(e.status), e.kind)
}

// unanswered says whether err leaves it open what became of the request.
func unanswered(err error) bool {
	var t *transportError
	if errors.As(err, &t) {
		return t.sent
	}
	var f *formatError
	return errors.As(err, &f)
}

// busy says whether the server refused for load, before it looked at the request.
func busy(err error) bool {
	var f *formatError
	if errors.As(err, &f) {
		return f.status == http.StatusTooManyRequests || f.status == http.StatusServiceUnavailable
	}
	var e *Error
	return errors.As(err, &e) && e.JobID == "" && (e.HTTP == http.StatusTooManyRequests || e.HTTP == http.StatusServiceUnavailable)
}
