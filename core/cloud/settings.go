package cloud

import (
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// fill turns the chosen texts into settings, reporting all that do not fit.
func (s *Settings) fill(got chosen) error {
	var problems []error
	problem := func(setting, format string, args ...any) {
		problems = append(problems, fmt.Errorf("%s: %s", got[setting].from, fmt.Sprintf(format, args...)))
	}
	s.APIKey, s.SecretKey = got[APIKey].value, got[SecretKey].value
	s.Zone, s.Project, s.Domain, s.Account = got[Zone].value, got[Project].value, got[Domain].value, got[Account].value
	s.Signature, s.Timeout, s.MaxRequests = "auto", DefaultTimeout, DefaultMaxRequests
	if p, ok := got[Endpoint]; ok {
		var err error
		if s.Endpoint, err = normalize(p.value); err != nil {
			problem(Endpoint, "%v", err)
		}
	}
	if p, ok := got[Signature]; ok {
		switch s.Signature = strings.ToLower(p.value); s.Signature {
		case "auto", "sha1", "sha256":
		default:
			problem(Signature, "%q is no signature; write \"auto\", \"sha1\" (CloudStack) or \"sha256\" (Mold)", p.value)
		}
	}
	if p, ok := got[Timeout]; ok {
		var err error
		if s.Timeout, err = duration(p.value); err != nil {
			problem(Timeout, "%v", err)
		}
	}
	if p, ok := got[MaxRequests]; ok {
		n, err := strconv.Atoi(p.value)
		if err != nil || n < 1 {
			problem(MaxRequests, "%q is no number of requests; write a whole number of at least 1", p.value)
		}
		s.MaxRequests = n
	}
	if p, ok := got[Insecure]; ok {
		yes, err := strconv.ParseBool(p.value)
		if err != nil {
			problem(Insecure, "%q is neither true nor false", p.value)
		}
		s.Insecure = yes
	}
	if p, ok := got[CACert]; ok {
		var err error
		if s.CACert, err = readCertificates(p.value); err != nil {
			problem(CACert, "%v", err)
		}
	}
	if s.Account != "" && s.Domain == "" && !s.Embedded {
		problem(Account, "an account is only found in its domain; set domain too")
	}
	return errors.Join(problems...)
}

func duration(text string) (time.Duration, error) {
	if seconds, err := strconv.Atoi(text); err == nil {
		text = strconv.Itoa(seconds) + "s"
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("%q is no duration; write for example \"30s\" or \"2m\"", text)
	}
	return d, nil
}

func readCertificates(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if block, _ := pem.Decode(text); block == nil {
		return nil, fmt.Errorf("%s holds no PEM certificate", path)
	}
	return text, nil
}

// normalize makes an endpoint complete. It does not guess between http and
// https, because a key must not travel in the clear by accident. What is
// refused is not repeated: a URL may hold a password or a signature.
func normalize(text string) (string, error) {
	if !strings.Contains(text, "://") {
		host, _, _ := strings.Cut(text, "/")
		if strings.ContainsAny(host, "@?#") {
			return "", errors.New("this is not a URL; write https://HOST/client/api")
		}
		return "", fmt.Errorf("a URL begins with https:// or http://; write https://%s/client/api", host)
	}
	u, err := url.Parse(text)
	if err != nil {
		return "", errors.New("this is not a URL; write https://HOST/client/api")
	}
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return "", fmt.Errorf("%s:// is not supported; write https://%s/client/api", u.Scheme, u.Host)
	case u.Hostname() == "":
		return "", errors.New("the URL names no host; write https://HOST/client/api")
	case u.User != nil:
		return "", fmt.Errorf("a URL with a user name or password is not accepted; use api_key and secret_key, and write %s://%s/client/api", u.Scheme, u.Host)
	case u.RawQuery != "" || u.Fragment != "":
		return "", fmt.Errorf("the URL of the API has no query or fragment; write %s://%s%s", u.Scheme, u.Host, u.Path)
	}
	switch path := strings.TrimRight(u.Path, "/"); path {
	case "", "/client":
		u.Path = "/client/api"
	default:
		u.Path = path
	}
	u.Host = strings.ToLower(u.Host)
	return u.String(), nil
}

// sameEndpoint compares endpoints as they will be used.
func sameEndpoint(a, b string) bool {
	if x, err := normalize(a); err == nil {
		a = x
	}
	if y, err := normalize(b); err == nil {
		b = y
	}
	return a == b
}

// hostOf returns the host and port of a URL.
func hostOf(endpoint string) string {
	u, err := url.Parse(endpoint)
	if err != nil {
		return ""
	}
	return u.Host
}

// anchor makes a path of a file relative to that file's folder; ~ is the home.
func anchor(path, dir, home string) string {
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		return filepath.Join(home, rest)
	}
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}
