resource "network" "web" {
  name = "web"
}

resource "instance" "web" {
  name     = "web-1"
  offering = "Medium Instance"
  template = "Rocky Linux 9"
  network  = network.web.id
}

resource "load_balancer" "web" {
  network     = network.web.id
  public_port = 80
}

resource "load_balancer_members" "web" {
  rule      = load_balancer.web.id
  instances = [instance.web.id]
}
