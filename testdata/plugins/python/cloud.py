"""Calls of a CloudStack API, as far as this plugin needs them."""

import base64
import hashlib
import hmac
import json
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request

PAGE = 500


class Refused(Exception):
    """The cloud answered, and said no."""

    def __init__(self, command, code, text):
        super().__init__(f"{command}: {text} ({code})")
        self.code = code


class Unanswered(Exception):
    """Nobody knows whether the cloud did what it was asked."""


class Cloud:
    """One endpoint with the credentials to use it."""

    def __init__(self, settings):
        self.settings = settings
        self.digest = hashlib.sha256 if settings.signature == "sha256" else hashlib.sha1
        self.tls = ssl.create_default_context(cadata=settings.ca_cert.decode() or None)
        if settings.insecure:
            self.tls.check_hostname = False
            self.tls.verify_mode = ssl.CERT_NONE
        if settings.signature in ("", "auto"):
            try:
                self.call("listCapabilities")
            except Refused as e:
                if e.code != 401:
                    raise
                self.digest = hashlib.sha256  # Mold

    def expires(self):
        end = time.time() + 600
        if self.settings.expires_unix:
            end = min(end, self.settings.expires_unix - 5)
        return time.strftime("%Y-%m-%dT%H:%M:%S+0000", time.gmtime(end))

    def signed(self, command, params):
        fields = dict(params, command=command, response="json", apikey=self.settings.api_key,
                      signatureversion="3", expires=self.expires())
        query = "&".join(f"{k}={urllib.parse.quote(str(v), safe='*')}" for k, v in sorted(fields.items()))
        mac = hmac.new(self.settings.secret_key.encode(), query.lower().encode(), self.digest).digest()
        return query + "&signature=" + urllib.parse.quote(base64.b64encode(mac), safe="")

    def call(self, command, **params):
        """Makes one call; an overloaded cloud is asked again."""
        for pause in (0.1, 0.5, 2, 0):
            try:
                return self.once(command, params)
            except Refused as e:
                if e.code != 503 or not pause:
                    raise
                time.sleep(pause)

    def once(self, command, params):
        url = self.settings.endpoint + "?" + self.signed(command, params)
        limit = (self.settings.timeout_ms or 60000) / 1000
        try:
            with urllib.request.urlopen(url, timeout=limit, context=self.tls if url.startswith("https:") else None) as answer:
                return next(iter(json.load(answer).values()))
        except urllib.error.HTTPError as e:
            try:
                said = next(iter(json.load(e).values()))
                raise Refused(command, said.get("errorcode", e.code), said.get("errortext", "")) from None
            except (ValueError, StopIteration):
                raise Refused(command, e.code, e.reason) from None
        except (OSError, ValueError) as e:
            # The address of the request is signed: it is not told.
            raise Unanswered(f"{command}: the cloud did not answer ({type(e).__name__})") from None

    def list(self, command, result, **params):
        """Reads all pages of a listing."""
        found, page = [], 1
        while True:
            answer = self.call(command, page=page, pagesize=PAGE, **params)
            rows = answer.get(result, [])
            found += rows
            if not rows or len(found) >= answer.get("count", 0):
                return found
            page += 1

    def settle_time(self):
        """How long the cloud may still carry out what it did not answer."""
        wait = self.settings.settle_ms
        if wait < 0:
            return 0
        return (wait or (self.settings.timeout_ms or 60000) + 10000) / 1000
