package source

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

var challengePart = regexp.MustCompile(`([A-Za-z_]+)="([^"]*)"`)

// login answers a registry's challenge: with the user's login, or with a token
// that is asked for at the place the registry names.
func (r *registry) login(ctx context.Context, challenge string) error {
	login, err := r.logins.of(r.host())
	if err != nil {
		return err
	}
	scheme, rest, _ := strings.Cut(challenge, " ")
	switch strings.ToLower(scheme) {
	case "basic":
		if login == "" {
			return errors.New("the registry wants a login; docker login writes one to ~/.docker/config.json")
		}
		r.token = "Basic " + login
		return nil
	case "bearer":
		parts := map[string]string{}
		for _, m := range challengePart.FindAllStringSubmatch(rest, -1) {
			parts[strings.ToLower(m[1])] = m[2]
		}
		return r.fetchToken(ctx, parts, login)
	}
	return fmt.Errorf("the registry wants a login of the kind %.20q, which is not known here", scheme)
}

func (r *registry) fetchToken(ctx context.Context, parts map[string]string, login string) error {
	realm, err := url.Parse(parts["realm"])
	if err != nil || realm.Host == "" || realm.User != nil {
		return errors.New("the registry names no place to get a token from")
	}
	if realm.Scheme != "https" && !(realm.Scheme == "http" && isLoopback(realm.Hostname()) && strings.HasPrefix(r.url(""), "http://")) {
		return errors.New("the registry wants a token from a place without https")
	}
	query := realm.Query()
	if parts["service"] != "" {
		query.Set("service", parts["service"])
	}
	_, name, _ := strings.Cut(r.source.Location, "/")
	query.Set("scope", "repository:"+name+":pull") // never more than this
	realm.RawQuery = query.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, realm.String(), nil)
	if err != nil {
		return fmt.Errorf("get a token: %w", plain(err))
	}
	if login != "" {
		request.Header.Set("Authorization", "Basic "+login)
	}
	answer, err := r.client.Do(request)
	if err != nil {
		return fmt.Errorf("get a token: %w", plain(err))
	}
	defer func() { _ = answer.Body.Close() }() // only read from
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("get a token: %s answers %s", realm.Host, answer.Status)
	}
	var reply struct {
		Token       string `json:"token"`
		AccessToken string `json:"access_token"`
	}
	if err := json.NewDecoder(io.LimitReader(answer.Body, maxManifest)).Decode(&reply); err != nil {
		return fmt.Errorf("get a token: the answer of %s cannot be read", realm.Host)
	}
	if reply.Token == "" {
		reply.Token = reply.AccessToken
	}
	if reply.Token == "" {
		return fmt.Errorf("get a token: %s gives none", realm.Host)
	}
	r.token = "Bearer " + reply.Token
	return nil
}
