package source

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
)

// maxManifest bounds manifests, lists of tags and tokens.
const maxManifest = 4 << 20

var ociDigest = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

// manifestTypes are what we understand, indexes of platforms included.
var manifestTypes = strings.Join([]string{
	"application/vnd.oci.image.index.v1+json", "application/vnd.oci.image.manifest.v1+json",
	"application/vnd.docker.distribution.manifest.list.v2+json", "application/vnd.docker.distribution.manifest.v2+json",
}, ", ")

// registry is the repository of a source in an OCI registry.
type registry struct {
	client *http.Client
	source Source
	logins logins
	token  string // "Bearer …" or "Basic …" once the registry asked for it
}

func (r *registry) host() string { host, _, _ := strings.Cut(r.source.Location, "/"); return host }

func (r *registry) url(rest string) string {
	host, name, _ := strings.Cut(r.source.Location, "/")
	scheme := "https"
	if bare, _, _ := strings.Cut(host, ":"); isLoopback(bare) {
		scheme = "http" // as every client of registries does on one's own machine
	}
	return scheme + "://" + host + "/v2/" + name + "/" + rest
}

// descriptor points to content.
type descriptor struct {
	MediaType string `json:"mediaType"`
	Digest    string `json:"digest"`
	Size      int64  `json:"size"`
	Platform  *struct {
		Architecture string `json:"architecture"`
		OS           string `json:"os"`
	} `json:"platform"`
}

// manifest is an image manifest or an index of them.
type manifest struct {
	Manifests []descriptor `json:"manifests"`
	Layers    []descriptor `json:"layers"`
}

// pulled is what a reference turned out to be.
type pulled struct {
	digest      string // of the manifest or index that the reference means
	perPlatform bool
}

// pull writes the archive that a reference stands for to a file.
func (r *registry) pull(ctx context.Context, platform string, limits Limits, into io.Writer) (pulled, error) {
	ctx, cancel := context.WithTimeout(ctx, httpTime)
	defer cancel()
	ref := r.source.Ref
	if ref == "" {
		ref = "latest"
	}
	m, digest, err := r.manifest(ctx, ref)
	if err != nil {
		return pulled{}, err
	}
	out := pulled{digest: digest}
	if len(m.Manifests) > 0 {
		out.perPlatform = true
		chosen, err := r.choose(m.Manifests, platform)
		if err != nil {
			return out, err
		}
		if m, _, err = r.manifest(ctx, chosen.Digest); err != nil {
			return out, err
		}
	}
	layer, err := r.layer(m)
	if err != nil {
		return out, err
	}
	return out, r.blob(ctx, layer, limits, into)
}

func (r *registry) choose(list []descriptor, platform string) (descriptor, error) {
	var have []string
	for _, d := range list {
		if d.Platform == nil {
			continue
		}
		name := d.Platform.OS + "_" + d.Platform.Architecture
		if name == platform {
			return d, nil
		}
		have = append(have, name)
	}
	return descriptor{}, fmt.Errorf("%s has nothing for %s; it has: %s", r.source, platform, strings.Join(have, ", "))
}

// layer finds the one archive of a manifest.
func (r *registry) layer(m manifest) (descriptor, error) {
	var found []descriptor
	for _, l := range m.Layers {
		for _, end := range []string{"tar+gzip", "tar.gzip", "zip"} {
			if strings.HasSuffix(l.MediaType, end) {
				found = append(found, l)
				break
			}
		}
	}
	if len(found) != 1 {
		return descriptor{}, fmt.Errorf("%s is no module or plugin: %d of its %d layers are archives (…tar+gzip, …zip), and exactly one must be",
			r.source, len(found), len(m.Layers))
	}
	return found[0], nil
}

func (r *registry) manifest(ctx context.Context, ref string) (manifest, string, error) {
	body, err := r.read(ctx, r.url("manifests/"+ref), manifestTypes)
	if err != nil {
		return manifest{}, "", err
	}
	digest := digestOf(body)
	if ociDigest.MatchString(ref) && digest != ref {
		return manifest{}, "", fmt.Errorf("%s: the registry answers with a manifest of another digest, %s", r.source, digest)
	}
	var m manifest
	if err := json.Unmarshal(body, &m); err != nil {
		return manifest{}, "", fmt.Errorf("%s: the registry's answer is no manifest", r.source)
	}
	return m, digest, nil
}

func digestOf(b []byte) string {
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}

func (r *registry) blob(ctx context.Context, d descriptor, limits Limits, into io.Writer) error {
	switch {
	case !ociDigest.MatchString(d.Digest):
		return fmt.Errorf("%s: %.80q is no sha256 digest", r.source, d.Digest)
	case d.Size > limits.Packed:
		return refuse("", "the archive is larger than %s", size(limits.Packed))
	}
	answer, err := r.get(ctx, r.url("blobs/"+d.Digest), "")
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }() // only read from
	sum := sha256.New()
	if err := save(ctx, answer, limits.Packed, io.MultiWriter(into, sum)); err != nil {
		return fmt.Errorf("fetch %s: %w", r.source, err)
	}
	if got := "sha256:" + hex.EncodeToString(sum.Sum(nil)); got != d.Digest {
		return fmt.Errorf("fetch %s: the content does not have the digest that its manifest says, %s", r.source, d.Digest)
	}
	return nil
}

// tags lists the repository's tags.
func (r *registry) tags(ctx context.Context) ([]string, error) {
	var all []string
	for next := r.url("tags/list?n=1000"); next != "" && len(all) < 10_000; {
		answer, err := r.get(ctx, next, "application/json")
		if err != nil {
			return nil, err
		}
		var page struct {
			Tags []string `json:"tags"`
		}
		err = json.NewDecoder(io.LimitReader(answer.Body, maxManifest)).Decode(&page)
		_ = answer.Body.Close() // only read from
		if err != nil {
			return nil, fmt.Errorf("%s: the registry's list of tags cannot be read", r.source)
		}
		all = append(all, page.Tags...)
		next = nextPage(next, answer.Header.Get("Link"))
		if len(page.Tags) == 0 {
			break
		}
	}
	return all, nil
}

var nextLink = regexp.MustCompile(`<([^>]+)>\s*;\s*rel="?next"?`)

// nextPage is the URL of the next page, on the same host.
func nextPage(current, link string) string {
	m := nextLink.FindStringSubmatch(link)
	if m == nil {
		return ""
	}
	at, err := url.Parse(current)
	if err != nil {
		return ""
	}
	next, err := at.Parse(m[1])
	if err != nil || next.Host != at.Host || next.Scheme != at.Scheme {
		return ""
	}
	return next.String()
}

func (r *registry) read(ctx context.Context, url, accept string) ([]byte, error) {
	answer, err := r.get(ctx, url, accept)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }() // only read from
	body, err := io.ReadAll(&bounded{ctx: ctx, r: answer.Body, left: maxManifest, what: "the registry's answer is larger than " + size(maxManifest)})
	if err != nil {
		return nil, fmt.Errorf("fetch %s: %w", r.source, plain(err))
	}
	return body, nil
}

// get asks the registry, and once more with a token when it wants one.
func (r *registry) get(ctx context.Context, url, accept string) (*http.Response, error) {
	for again := false; ; again = true {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return nil, fmt.Errorf("fetch %s: %w", r.source, plain(err))
		}
		if accept != "" {
			request.Header.Set("Accept", accept)
		}
		if r.token != "" {
			request.Header.Set("Authorization", r.token)
		}
		answer, err := r.client.Do(request)
		if err != nil {
			return nil, fmt.Errorf("fetch %s: %w", r.source, plain(err))
		}
		if answer.StatusCode == http.StatusOK {
			return answer, nil
		}
		challenge := answer.Header.Get("WWW-Authenticate")
		_ = answer.Body.Close() // nothing in it is wanted
		switch {
		case answer.StatusCode == http.StatusUnauthorized && !again && challenge != "":
			if err := r.login(ctx, challenge); err != nil {
				return nil, fmt.Errorf("fetch %s: %w", r.source, err)
			}
			continue
		case answer.StatusCode == http.StatusUnauthorized, answer.StatusCode == http.StatusForbidden:
			return nil, fmt.Errorf("fetch %s: the registry refuses (%s); a login is taken from the auths of ~/.docker/config.json", r.source, answer.Status)
		case answer.StatusCode == http.StatusNotFound:
			return nil, fmt.Errorf("fetch %s: the registry has nothing of this name and tag", r.source)
		}
		return nil, fmt.Errorf("fetch %s: the registry answers %s", r.source, answer.Status)
	}
}

// logins are user and password by host, as docker login keeps them in a file.
type logins struct{ file string }

// of returns the login of a host, "" if there is none: base64 of
// user:password.
func (l logins) of(host string) (string, error) {
	if l.file == "" {
		return "", nil
	}
	text, err := os.ReadFile(l.file)
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read logins: %w", err)
	}
	var config struct {
		Auths map[string]struct {
			Auth string `json:"auth"`
		} `json:"auths"`
	}
	if err := json.Unmarshal(text, &config); err != nil {
		return "", fmt.Errorf("read logins: %s is no JSON", l.file)
	}
	for _, name := range []string{host, "https://" + host, "https://" + host + "/v2/"} {
		if a := config.Auths[name].Auth; a != "" {
			return a, nil
		}
	}
	return "", nil
}
