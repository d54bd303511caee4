// Package cloud finds out which cloud an alias of a stack means and with which
// credentials it is used. Every setting is taken from the first of these that
// has it: command line, environment (MOLD_…, then CLOUDSTACK_…), the stack's
// cloud block, a profile of moldctl's config.yaml or of CloudMonkey's config.
// With no endpoint and no key anywhere it is the embedded cloud.
//
// It opens no connection and must not import plugins, sdk or other phases of
// core except core/diag and core/state. No message of it contains a key.
package cloud

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"
)

// The names of the settings, as a cloud block and config.yaml write them.
const (
	Endpoint    = "endpoint"
	APIKey      = "api_key"
	SecretKey   = "secret_key"
	Signature   = "signature"
	Zone        = "zone"
	Project     = "project"
	Domain      = "domain"
	Account     = "account"
	Timeout     = "timeout"
	MaxRequests = "max_requests"
	CACert      = "ca_cert"
	Insecure    = "insecure"
	Profile     = "profile"
)

// Names lists every setting, in the order of the documentation.
func Names() []string {
	return []string{
		Endpoint, APIKey, SecretKey, Signature, Zone, Project, Domain, Account, Timeout, MaxRequests, CACert, Insecure, Profile,
	}
}

// DefaultTimeout is how long one request may take if nothing says otherwise.
const DefaultTimeout = 60 * time.Second

// DefaultMaxRequests is how many requests may be under way at once if nothing
// says otherwise.
const DefaultMaxRequests = 10

// Values are settings by name as one source gives them, as text; "" is unset.
type Values map[string]string

// Input is where settings may come from.
type Input struct {
	Alias  string                      // "" is the default cloud
	Flags  Values                      // by setting; the flags are called like the settings
	Getenv func(string) (string, bool) // nil: no environment
	// Block is what the stack's cloud block says, nil without one, and At is
	// where it stands: "spec.hcl, line 3".
	Block Values
	At    string
	// Inherit is the block of the default cloud for an alias whose own block
	// names neither an endpoint nor keys nor a profile.
	Inherit   Values
	InheritAt string
	Home      string // the user's home folder
	ConfigDir string // $XDG_CONFIG_HOME; "" = .config in Home
	Dir       string // the stack's folder: relative paths of its block start here
}

// Settings is what a cloud is used with.
type Settings struct {
	Alias       string
	Endpoint    string // complete URL of the API; "" for the embedded cloud
	APIKey      string
	SecretKey   string
	Signature   string // auto, sha1, sha256
	Zone        string
	Project     string
	Domain      string
	Account     string
	Timeout     time.Duration
	MaxRequests int
	CACert      []byte // PEM
	Insecure    bool
	// Embedded says that no endpoint and no key is given anywhere.
	Embedded bool
	// Source tells where each setting that is given comes from.
	Source map[string]string
	// Warnings are for the user: what is odd but works.
	Warnings []string
}

// String describes the settings without any key.
func (s Settings) String() string {
	if s.Embedded {
		return "the embedded cloud"
	}
	return fmt.Sprintf("%s (from %s)", s.Endpoint, s.Source[Endpoint])
}

// GoString keeps keys out of %#v too.
func (s Settings) GoString() string { return s.String() }

// Host returns the host of the endpoint, for messages and bindings.
func (s Settings) Host() string { return hostOf(s.Endpoint) }

// source is one place that settings come from.
type source struct {
	name   string              // of the place: "environment"
	whole  bool                // a profile: everything in it is about its own endpoint
	values Values              // what it gives
	label  func(string) string // how a message names one setting of it
}

// Resolve finds the settings of a cloud. All that is wrong is reported at once.
func Resolve(in Input) (Settings, error) {
	s := Settings{Alias: in.Alias, Source: map[string]string{}}
	sources, err := in.sources(&s)
	if err != nil {
		return s, in.wrap(err)
	}
	chosen := choose(sources, &s)
	if err := s.connection(chosen, sources); err != nil {
		return s, in.wrap(err)
	}
	if err := s.fill(chosen); err != nil {
		return s, in.wrap(err)
	}
	return s, nil
}

func (in Input) wrap(err error) error {
	if in.Alias == "" {
		return fmt.Errorf("settings of the cloud: %w", err)
	}
	return fmt.Errorf("settings of cloud %q: %w", in.Alias, err)
}

// sources lists the places, strongest first. A profile stands right behind the
// place that names it.
func (in Input) sources(s *Settings) ([]source, error) {
	profiles, err := in.readProfiles(s)
	if err != nil {
		return nil, err
	}
	var list []source
	add := func(src source) error {
		list = append(list, src)
		if name := src.values[Profile]; name != "" {
			p, err := profiles.named(name, src.label(Profile))
			if err != nil {
				return err
			}
			list = append(list, p)
		}
		return nil
	}
	block := source{name: "cloud block", values: in.Block, label: in.labelAt(in.At)}
	inherits := in.Alias != "" && in.Block[Endpoint] == "" && in.Block[APIKey] == "" && in.Block[SecretKey] == "" && in.Block[Profile] == ""
	if in.Alias == "" || inherits {
		// An alias that has an endpoint or keys of its own is another cloud,
		// which flags and environment do not mean.
		if in.Alias != "" {
			if err := add(block); err != nil { // its zone or project goes before
				return nil, err
			}
			block = source{name: "cloud block", values: in.Inherit, label: in.labelAt(in.InheritAt)}
		}
		places := append([]source{flagSource(in.Flags)}, in.environment()...)
		for _, place := range append(places, block) {
			if err := add(place); err != nil {
				return nil, err
			}
		}
		return append(list, profiles.current()...), nil
	}
	err = add(block)
	return list, err
}

func (in Input) labelAt(at string) func(string) string {
	return func(setting string) string {
		if at == "" {
			return setting + " of the cloud block"
		}
		return setting + " of the cloud block (" + at + ")"
	}
}

func flagSource(flags Values) source {
	return source{name: "command line", values: flags, label: func(setting string) string { return "--" + strings.ReplaceAll(setting, "_", "-") }}
}

// variables are the environment variables of a setting; the MOLD_ ones stand first.
var variables = map[string][2]string{
	Endpoint:    {"MOLD_API_URL", "CLOUDSTACK_API_URL"},
	APIKey:      {"MOLD_API_KEY", "CLOUDSTACK_API_KEY"},
	SecretKey:   {"MOLD_SECRET_KEY", "CLOUDSTACK_SECRET_KEY"},
	Signature:   {"MOLD_SIGNATURE", "CLOUDSTACK_SIGNATURE"},
	Zone:        {"MOLD_ZONE_NAME", "CLOUDSTACK_ZONE"},
	Project:     {"MOLD_PROJECT", "CLOUDSTACK_PROJECT"},
	Domain:      {"MOLD_DOMAIN", "CLOUDSTACK_DOMAIN"},
	Account:     {"MOLD_ACCOUNT", "CLOUDSTACK_ACCOUNT"},
	Timeout:     {"MOLD_TIMEOUT", "CLOUDSTACK_TIMEOUT"},
	MaxRequests: {"MOLD_MAX_REQUESTS", "CLOUDSTACK_MAX_REQUESTS"},
	CACert:      {"MOLD_CA_CERT", "CLOUDSTACK_CA_CERT"},
	Insecure:    {"MOLD_INSECURE", "CLOUDSTACK_INSECURE"},
	Profile:     {"MOLD_PROFILE", "CLOUDSTACK_PROFILE"},
}

// environment is two sources: what is meant for us, and what is meant for
// CloudStack's tools in general.
func (in Input) environment() []source {
	var list []source
	if in.Getenv == nil {
		return nil
	}
	for i := range 2 {
		values := Values{}
		for setting, names := range variables {
			if v, ok := in.Getenv(names[i]); ok && v != "" {
				values[setting] = v
			}
		}
		list = append(list, source{name: "environment", values: values, label: func(setting string) string { return variables[setting][i] }})
	}
	return list
}

// chosen is a setting with the place it was taken from.
type chosen map[string]pick

type pick struct{ value, from string }

// choose takes each setting from the strongest source that has it. A source
// that names another endpoint gives no keys and nothing about trust: a key must
// never be sent to a cloud it does not belong to. Its zone, project and the
// like count, unless it is a profile.
func choose(sources []source, s *Settings) chosen {
	got := chosen{}
	take := func(setting string, usable func(source) bool) {
		for _, src := range sources {
			if v := src.values[setting]; v != "" && usable(src) {
				got[setting] = pick{v, src.label(setting)}
				s.Source[setting] = src.label(setting)
				return
			}
		}
	}
	take(Endpoint, func(source) bool { return true })
	endpoint := got[Endpoint].value
	belongs := func(src source) bool {
		return src.values[Endpoint] == "" || sameEndpoint(src.values[Endpoint], endpoint)
	}
	for _, setting := range Names() {
		switch setting {
		case Endpoint:
		case APIKey, SecretKey, Signature, CACert, Insecure:
			take(setting, belongs)
		default:
			take(setting, func(src source) bool { return !src.whole || belongs(src) })
		}
	}
	return got
}

// connection settles endpoint and keys: all three, or none for the embedded cloud.
func (s *Settings) connection(got chosen, sources []source) error {
	var have, missing []string
	for _, setting := range []string{Endpoint, APIKey, SecretKey} {
		if p, ok := got[setting]; ok {
			have = append(have, p.from)
		} else {
			missing = append(missing, setting)
		}
	}
	if len(have) == 0 {
		s.Embedded = true
		return nil
	}
	if len(missing) > 0 {
		return s.halfSet(have, missing, got, sources)
	}
	return s.onePair(got, sources)
}

// halfSet says what is missing and how to give it.
func (s *Settings) halfSet(have, missing []string, got chosen, sources []source) error {
	var ways []string
	for _, setting := range missing {
		ways = append(ways, fmt.Sprintf("%s (%s)", setting, variables[setting][0]))
	}
	text := fmt.Sprintf("%s is set, but %s is missing; set it too, or unset the rest to use the embedded cloud",
		strings.Join(have, " and "), strings.Join(ways, " and "))
	for _, src := range sources {
		if src.values[APIKey] != "" && src.values[Endpoint] != "" && !sameEndpoint(src.values[Endpoint], got[Endpoint].value) {
			text += fmt.Sprintf("; %s is not used, because it belongs to another endpoint", src.label(APIKey))
		}
	}
	return errors.New(text)
}

// onePair refuses half of one pair of keys with half of another.
func (s *Settings) onePair(got chosen, sources []source) error {
	if got[APIKey].from == "" || got[SecretKey].from == "" {
		return nil
	}
	for _, src := range sources {
		api, secret := src.values[APIKey] != "", src.values[SecretKey] != ""
		usesAPI, usesSecret := got[APIKey].from == src.label(APIKey), got[SecretKey].from == src.label(SecretKey)
		if api && secret && usesAPI != usesSecret {
			lone, missing := got[APIKey].from, SecretKey
			if usesAPI {
				lone, missing = got[SecretKey].from, APIKey
			}
			return fmt.Errorf("%s is set without its %s (%s), and the keys of the %s are another pair; set both or neither",
				lone, missing, variables[missing][0], src.name)
		}
	}
	return nil
}

// configDir is where this user's moldctl folder lies.
func (in Input) configDir() string {
	return cmp.Or(in.ConfigDir, filepath.Join(in.Home, ".config"))
}
