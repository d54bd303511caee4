package cloudsim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Obj is a JSON object of an answer. Put in exactly the fields the real cloud sends, with its types; leave out what it
// leaves out.
type Obj map[string]any

// Opt sets a field only if its text is not empty, as the server omits nulls. It returns the object.
func (o Obj) Opt(field, value string) Obj {
	if value != "" {
		o[field] = value
	}
	return o
}

// List is the answer of a list command before paging: the array's key and all matching elements.
type List struct {
	Key   string
	Items []Obj
	// Bare lists are sent as they are, without count or paging.
	Bare bool

	rows   int // of a list that is rendered page by page; Items is empty then
	render func(row int) Obj
}

// size is how many elements a list has.
func (l List) size() int { return max(len(l.Items), l.rows) }

// part renders the elements from one up to another.
func (l List) part(from, to int) []Obj {
	if l.render == nil {
		return l.Items[from:to]
	}
	out := make([]Obj, 0, to-from)
	for i := from; i < to; i++ {
		out = append(out, l.render(i))
	}
	return out
}

// Listing renders rows for a list command; those alone that are on the page that is asked for.
func Listing[T any](key string, rows []T, render func(T) Obj) List {
	return List{Key: key, Items: []Obj{}, rows: len(rows), render: func(row int) Obj { return render(rows[row]) }}
}

// Success is the answer of commands that return nothing.
func Success() Obj { return Obj{"success": true} }

// timeText is a time as the API writes it.
func timeText(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05-0700") }

const maxPage = 500

// page cuts a list to the page that was asked for and shapes it: {} if empty, count and array otherwise.
func (l List) page(p Params) (Obj, error) {
	if l.Bare {
		return Obj{l.Key: l.part(0, l.size())}, nil
	}
	from, to, err := pageBounds(p, l.size())
	if err != nil {
		return nil, err
	}
	if l.size() == 0 {
		return Obj{}, nil
	}
	out := Obj{"count": l.size()}
	if from < to {
		out[l.Key] = l.part(from, to)
	}
	return out, nil
}

func pageBounds(p Params, n int) (from, to int, err error) {
	page, size := p.Str("page"), p.Str("pagesize")
	switch {
	case page != "" && size == "":
		return 0, 0, BadParam(`"pagesize" parameter is required when "page" is specified`)
	case page == "" && size != "":
		return 0, 0, BadParam(`"page" parameter is required when "pagesize" is specified`)
	case page == "":
		return 0, min(n, maxPage), nil
	}
	perPage := p.Int("pagesize", 0)
	if perPage > maxPage {
		return 0, 0, Invalid("Page size can't exceed max allowed page size value: %d", maxPage)
	}
	if perPage < 0 {
		return 0, n, nil
	}
	from = min((max(p.Int("page", 1), 1)-1)*perPage, n)
	return from, min(from+perPage, n), nil
}

// labelOf is the command's name in texts: the envelope's key without "response".
func labelOf(name string, cmd command) string {
	return strings.TrimSuffix(envelopeOf(name, cmd), "response")
}

func envelopeOf(name string, cmd command) string {
	if cmd.envelope != "" {
		return cmd.envelope
	}
	return strings.ToLower(name) + "response"
}

// encode writes JSON as the server does: no escaping of <, > and &.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("encode an answer: %w", err)
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

// errorBody is the body of a refusal.
func errorBody(envelope string, e *APIError) map[string]any {
	uuids := e.UUIDs
	if uuids == nil {
		uuids = []UUIDProxy{}
	}
	body := struct {
		UUIDs []UUIDProxy `json:"uuidList"`
		Code  int         `json:"errorcode"`
		CS    *int        `json:"cserrorcode,omitempty"`
		Text  string      `json:"errortext,omitempty"`
	}{UUIDs: uuids, Code: e.HTTP, Text: e.Text}
	if e.CS >= 0 {
		body.CS = &e.CS
	}
	return map[string]any{envelope: body}
}
