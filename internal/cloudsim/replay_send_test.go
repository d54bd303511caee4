package cloudsim

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// send sends a recorded request as its caller, with ids as they are here.
func (r *replayer) send(t *testing.T, e exchange) result {
	t.Helper()
	params := e.params()
	for k, v := range params {
		params[k] = r.translate(v)
	}
	switch {
	case strings.Contains(e.Name, "-integration"):
		return r.sendForm(t, http.DefaultClient, r.cloud.IntegrationEndpoint(), e.command(), params)
	case e.As == "session" || e.command() == "login" || e.command() == "logout":
		return r.sendSession(t, e.command(), params)
	}
	account := r.as[e.As]
	if strings.Contains(e.Name, "as-user") {
		account = r.as["user"]
	}
	keys, ok := r.cloud.Keys(account)
	if !ok {
		t.Fatalf("%s: no account %q", e.Name, account)
	}
	form := url.Values{"command": {e.command()}, "apikey": {keys.APIKey}, "response": {"json"}}
	if e.command() == "" {
		form.Del("command")
	}
	for k, v := range params {
		form.Set(k, v)
	}
	return r.post(t, r.spoil(e.number(), form, keys.SecretKey))
}

// spoil signs a request, in the way a few exchanges are about: the recordings do not hold signatures.
func (r *replayer) spoil(number string, form url.Values, secret string) string {
	switch number {
	case "002":
		return form.Encode() + "&signature=bm90IGEgc2lnbmF0dXJl"
	case "003":
		form.Del("apikey")
	case "004":
		return form.Encode()
	case "005":
		form.Set("apikey", "nobody's")
	case "006":
		form.Set("signatureversion", "3")
		form.Set("expires", "2020-01-01T00:00:00+0000")
	case "007":
		form.Set("signatureversion", "3")
		form.Set("expires", "2099-01-01T00:00:00+0000")
	case "008":
		form.Set("signatureversion", "3")
	}
	return signQuery(form, secret)
}

func (r *replayer) post(t *testing.T, body string) result {
	t.Helper()
	resp, err := http.Post(r.cloud.Endpoint(), "application/x-www-form-urlencoded", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return readAnswer(t, resp)
}

// sendSession sends a request of a browser: with cookies instead of a signature.
func (r *replayer) sendSession(t *testing.T, command string, params map[string]string) result {
	t.Helper()
	if _, ok := params["sessionkey"]; ok {
		params["sessionkey"] = r.key
	}
	got := r.sendForm(t, r.jar, r.cloud.Endpoint(), command, params)
	if command == "login" {
		r.key = got.str("sessionkey")
	}
	return got
}

func (r *replayer) sendForm(t *testing.T, client *http.Client, endpoint, command string, params map[string]string) result {
	t.Helper()
	form := url.Values{"response": {"json"}}
	if command != "" {
		form.Set("command", command)
	}
	for k, v := range params {
		form.Set(k, v)
	}
	resp, err := client.PostForm(endpoint, form)
	if err != nil {
		t.Fatal(err)
	}
	return readAnswer(t, resp)
}

// readAnswer reads an answer of either form.
func readAnswer(t *testing.T, resp *http.Response) result {
	t.Helper()
	if !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/xml") {
		return readResult(t, resp)
	}
	defer resp.Body.Close()
	var document strings.Builder
	if err := resp.Write(&document); err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(document.String(), "\r\n\r\n")
	r := result{status: resp.StatusCode, header: resp.Header, raw: text}
	r.envelope, r.body = parseXML(t, text)
	return r
}
