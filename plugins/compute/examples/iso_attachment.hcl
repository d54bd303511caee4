resource "network" "web" {
  name = "web"
}

resource "instance" "web" {
  name     = "web-1"
  offering = "Medium Instance"
  template = "Rocky Linux 9"
  network  = network.web.id
}

resource "iso" "rescue" {
  name    = "rescue"
  url     = "https://images.example.com/rescue.iso"
  os_type = "Debian GNU/Linux 12 (64-bit)"
}

resource "iso_attachment" "rescue" {
  instance = instance.web.id
  iso      = iso.rescue.id
}
