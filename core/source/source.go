// Package source brings modules and plugins here from where their authors keep
// them: a folder, an archive (zip, tar.gz) on disk or behind https, a git
// repository, an OCI registry. What comes is unpacked under strict limits into
// a cache that is addressed by content, and the lock file of a stack says which
// content is meant.
//
// The package runs one program, git, with a scrubbed environment, and nothing
// of what it fetches. It does not know what a module or a plugin is: others
// read what it brought. It imports core/spec for version constraints only.
package source

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

// Kind is how a source is reached.
type Kind string

// The kinds of sources.
const (
	Folder  Kind = "folder"
	Archive Kind = "archive"
	Git     Kind = "git"
	OCI     Kind = "oci"
)

// Source is where something comes from.
type Source struct {
	Kind Kind
	// Text names the source in the lock file: as it was written, without the
	// folder inside.
	Text string
	// Location is the path on disk, the URL, or for OCI host and repository.
	Location string
	Ref      string // of git: branch, tag or commit; of OCI: tag or digest
	Sub      string // folder inside, with slashes; "" for the whole
}

// platformMark stands in a source for the platform: acme_{platform}.tar.gz.
const platformMark = "{platform}"

// Parse reads a source as it is written in a stack or on the command line.
// Paths on disk come back as they are.
func Parse(text string) (Source, error) {
	if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return Source{}, errors.New("a source holds no line breaks or control characters")
	}
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		return Source{}, errors.New("a source is a folder, an archive, git::URL or oci://HOST/NAME, and this one is empty")
	case strings.HasPrefix(text, "git::"):
		return parseGit(text)
	case strings.HasPrefix(text, "git@"):
		return Source{}, fmt.Errorf("%s: a git repository is written with git:: before it: \"git::%s\"", text, text)
	case strings.HasPrefix(text, "oci://"):
		return parseOCI(text)
	case strings.Contains(text, "://"):
		return parseArchiveURL(text)
	}
	place, sub := splitSub(text)
	if place = strings.TrimSpace(place); place == "" {
		return Source{}, fmt.Errorf("%q names a folder inside, and not of what", text)
	}
	s := Source{Kind: Folder, Text: place, Location: filepath.FromSlash(place), Sub: sub}
	if isArchiveName(place) {
		s.Kind = Archive
	}
	return s, s.checkSub()
}

// OnDisk tells whether the source lies on this machine.
func (s Source) OnDisk() bool {
	return s.Kind == Folder || s.Kind == Archive && !strings.Contains(s.Location, "://") || s.Kind == Git && strings.HasPrefix(s.Location, "file://")
}

// isPath tells whether the source is a path, absolute or relative.
func (s Source) isPath() bool {
	return !strings.Contains(s.Location, "://") && s.Kind != Git && s.Kind != OCI
}

// In makes a relative path one of root, the folder that the lock file lies in;
// base is the folder that the path was written in. Both are absolute.
func (s Source) In(base, root string) Source {
	if !s.isPath() {
		return s
	}
	if filepath.IsAbs(s.Location) {
		s.Location = filepath.Clean(s.Location)
		s.Text = filepath.ToSlash(s.Location)
		return s
	}
	s.Location = filepath.Join(base, s.Location)
	rel, err := filepath.Rel(root, s.Location)
	switch {
	case err != nil:
		s.Text = filepath.ToSlash(s.Location)
	case rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)):
		s.Text = filepath.ToSlash(rel)
	default:
		s.Text = "./" + filepath.ToSlash(rel)
	}
	return s
}

// PerPlatform tells whether each platform has a package of its own here.
func (s Source) PerPlatform() bool { return strings.Contains(s.Text, platformMark) }

func (s Source) on(platform string) Source {
	s.Location = strings.ReplaceAll(s.Location, platformMark, platform)
	return s
}

// String is the source without what may be secret: the query of a URL.
func (s Source) String() string {
	if s.Kind == Archive {
		return withoutQuery(s.Text)
	}
	return s.Text
}

func withoutQuery(text string) string {
	if i := strings.IndexByte(text, '?'); i >= 0 && strings.Contains(text, "://") {
		return text[:i]
	}
	return text
}

// credentials are what stands between the scheme and the host of a URL, also of
// one that cannot be parsed.
var credentials = regexp.MustCompile(`://.*@`)

// shown is a source that was not accepted, without what may be secret.
func shown(text string) string { return credentials.ReplaceAllString(withoutQuery(text), "://") }

// splitSub cuts the folder inside off: what follows "//" that is not part of
// "://".
func splitSub(text string) (place, sub string) {
	from := 0
	if i := strings.Index(text, "://"); i >= 0 {
		from = i + len("://")
	}
	rest, query, hasQuery := strings.Cut(text[from:], "?")
	place, sub, _ = strings.Cut(rest, "//")
	if hasQuery {
		place += "?" + query
	}
	return text[:from] + place, strings.Trim(sub, "/")
}

func (s Source) checkSub() error {
	if s.Sub != "" && (path.Clean(s.Sub) != s.Sub || s.Sub == ".." || strings.HasPrefix(s.Sub, "../") || strings.Contains(s.Sub, `\`)) {
		return fmt.Errorf("%s: %q is no folder inside it: the part after // goes down only", s, s.Sub)
	}
	return nil
}

func isArchiveName(name string) bool {
	name = strings.ToLower(name)
	return strings.HasSuffix(name, ".zip") || strings.HasSuffix(name, ".tar.gz") || strings.HasSuffix(name, ".tgz")
}

func parseArchiveURL(text string) (Source, error) {
	place, sub := splitSub(text)
	s := Source{Kind: Archive, Text: place, Location: place, Sub: sub}
	u, err := checkURL(strings.ReplaceAll(place, platformMark, "any"), "https")
	if err != nil {
		return Source{}, fmt.Errorf("%s: %w", shown(text), err)
	}
	if strings.HasSuffix(u.Path, ".git") {
		return Source{}, fmt.Errorf("%s: a git repository is written with git:: before it: \"git::%s\"", s, s)
	}
	if !isArchiveName(u.Path) {
		return Source{}, fmt.Errorf("%s: an archive ends with .zip, .tar.gz or .tgz; a git repository is written git::URL", s)
	}
	return s, s.checkSub()
}

// gitRef is what may be asked of a repository: never an option, never a range.
var gitRef = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_./+@-]*$`)

// scpLike is git's short form of an ssh URL: user@host:path.
var scpLike = regexp.MustCompile(`^([A-Za-z0-9_][A-Za-z0-9_.-]*)@([A-Za-z0-9][A-Za-z0-9.-]*):([^-].*)$`)

func parseGit(text string) (Source, error) {
	rest := strings.TrimPrefix(text, "git::")
	if m := scpLike.FindStringSubmatch(rest); m != nil && !strings.Contains(rest, "://") {
		rest = "ssh://" + m[1] + "@" + m[2] + "/" + strings.TrimPrefix(m[3], "/")
	}
	place, sub := splitSub(rest)
	place, query, _ := strings.Cut(place, "?")
	s := Source{Kind: Git, Location: place, Sub: sub, Text: "git::" + place}
	if _, err := checkURL(place, "https", "ssh", "file"); err != nil {
		return Source{}, fmt.Errorf("%s: %w", shown(s.Text), err)
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return Source{}, fmt.Errorf("%s: what follows ? cannot be read; write ?ref=NAME", s.Text)
	}
	for name := range values {
		if name != "ref" {
			return Source{}, fmt.Errorf("%s: %q is not known after ?; write ?ref=NAME", s.Text, name)
		}
	}
	if s.Ref = values.Get("ref"); s.Ref != "" {
		if !gitRef.MatchString(s.Ref) || strings.Contains(s.Ref, "..") || strings.Contains(s.Ref, "@{") {
			return Source{}, fmt.Errorf("%s: %q is no name of a branch, tag or commit", s.Text, s.Ref)
		}
		s.Text += "?ref=" + s.Ref
	}
	return s, s.checkSub()
}

// checkURL refuses what cannot be fetched, what would be fetched unprotected,
// and credentials, which would end up in the lock file.
func checkURL(text string, schemes ...string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, errors.New("this is no URL")
	}
	allowed := false
	for _, scheme := range schemes {
		allowed = allowed || u.Scheme == scheme
	}
	switch _, password := u.User.Password(); {
	case password, u.User != nil && u.Scheme != "ssh":
		return nil, errors.New("credentials do not belong into a source: they would be written to the lock file")
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		return nil, errors.New("http is not protected against changes on the way; use https")
	case u.Scheme != "http" && !allowed:
		return nil, fmt.Errorf("%q cannot be fetched from; use %s", u.Scheme, strings.Join(schemes, ", "))
	case u.Scheme == "file" && u.Host != "":
		return nil, errors.New("a file URL has three slashes: file:///path")
	case u.Scheme != "file" && (u.Hostname() == "" || strings.HasPrefix(u.Hostname(), "-")):
		return nil, errors.New("the URL has no host")
	case strings.HasPrefix(u.User.Username(), "-"):
		return nil, errors.New("the URL has no user")
	}
	return u, nil
}

// isLoopback tells whether a host is this machine, where http is as good.
func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// An OCI reference: host, repository, and a tag or a digest.
var (
	ociHost  = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?$`)
	ociName  = regexp.MustCompile(`^[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*$`)
	ociLogin = regexp.MustCompile(`://[^/]*@`)
	ociTag   = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$`)
)

func parseOCI(text string) (Source, error) {
	place, sub := splitSub(text)
	if login := ociLogin.FindString(place); login != "" {
		return Source{}, fmt.Errorf("%s: credentials do not belong into a source: docker login keeps them", strings.Replace(place, login, "://", 1))
	}
	s := Source{Kind: OCI, Text: place, Sub: sub}
	host, name, _ := strings.Cut(strings.TrimPrefix(place, "oci://"), "/")
	if before, digest, ok := strings.Cut(name, "@"); ok {
		if !ociDigest.MatchString(digest) {
			return Source{}, fmt.Errorf("%s: after @ a digest is wanted, sha256: and 64 hex digits", place)
		}
		name, s.Ref = before, digest
	} else if i := strings.LastIndexByte(name, ':'); i >= 0 {
		name, s.Ref = name[:i], name[i+1:]
		if !ociTag.MatchString(s.Ref) {
			return Source{}, fmt.Errorf("%s: %q is no tag", place, s.Ref)
		}
	}
	if !ociHost.MatchString(host) || !ociName.MatchString(name) {
		return Source{}, fmt.Errorf("%s: write oci://HOST/NAME:TAG, the name in small letters", place)
	}
	s.Location = host + "/" + name
	return s, s.checkSub()
}
