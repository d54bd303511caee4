package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"time"
)

// httpTime bounds a whole download.
const httpTime = 10 * time.Minute

// careful returns a client like the given one that follows redirects only as
// far as they are protected.
func careful(client *http.Client) *http.Client {
	c := http.Client{Transport: http.DefaultTransport}
	if client != nil {
		c = *client
	}
	c.CheckRedirect = func(r *http.Request, via []*http.Request) error {
		switch {
		case len(via) > 10:
			return errors.New("it redirects without end")
		case r.URL.Scheme == "http" && isLoopback(r.URL.Hostname()) && isLoopback(via[0].URL.Hostname()):
			return nil
		case r.URL.Scheme != "https":
			return errors.New("it redirects to an address without https")
		case isLoopback(r.URL.Hostname()) && !isLoopback(via[0].URL.Hostname()):
			return errors.New("it redirects to this machine")
		}
		return nil
	}
	return &c
}

// plain takes the URL out of an error: its query may be a key.
func plain(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// download writes what a URL answers to a file.
func download(ctx context.Context, client *http.Client, s Source, limits Limits, into *os.File) error {
	ctx, cancel := context.WithTimeout(ctx, httpTime)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Location, nil)
	if err != nil {
		return fmt.Errorf("fetch %s: %w", s, plain(err))
	}
	answer, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("fetch %s: %w", s, plain(err))
	}
	defer func() { _ = answer.Body.Close() }() // only read from
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("fetch %s: the server answers %s", s, answer.Status)
	}
	if err := save(ctx, answer, limits.Packed, into); err != nil {
		return fmt.Errorf("fetch %s: %w", s, err)
	}
	return nil
}

// save writes the body of an answer to a file.
func save(ctx context.Context, answer *http.Response, limit int64, into io.Writer) error {
	if answer.ContentLength > limit {
		return refuse("", "the archive is larger than %s", size(limit))
	}
	body := &bounded{ctx: ctx, r: answer.Body, left: limit, what: "the archive is larger than " + size(limit)}
	if _, err := io.Copy(into, body); err != nil {
		return plain(err)
	}
	return nil
}
