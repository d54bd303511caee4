# Texts in every style, templates, and values that look like others.
variable "name" {
  type    = string
  default = "web"
}

resource "group" "plain" {
  name        = "no"
  description = "1.10"
  tags        = { on = "yes", octal = "0644", date = "2024-01-01", empty = "", nothing = null }
}

resource "group" "templates" {
  name        = "${upper(var.name)}-1"
  description = "a literal $${x} and %%{y}, %{if var.name == "web"}the web%{else}another%{endif}"
}

resource "group" "lines" {
  name        = "lines"
  description = "first\n  second ${var.name}\n\nlast\n"
}

resource "group" "folded" {
  name        = "folded"
  description = "one line\nand another\n"
}

resource "group" "unicode" {
  name        = "서울"
  description = "tab\tquote\" backslash\\ \u00e9"
}
