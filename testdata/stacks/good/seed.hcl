stack "web" {
  version = "1.0.0"
  requires = {
    moldctl = ">= 0.1"
    network = "~> 1.0"
  }
}

variable "source_template" {
  type    = string
  default = "Rocky Linux 9"
}

variable "offering" {
  type    = string
  default = "Medium Instance"
}

resource "network" "web" {
  name        = "lb-demo" # name and description are enough; the rest is defaulted
  description = "Isolated network for the load-balanced web service"
  egress {
    protocol = "all" # a default isolated network lets nothing out: without this, `dnf install` fails
  }
}

pipeline "httpd" {
  step "package" "install" {
    names = ["httpd", "php"]
  }
  step "firewall" "http" {
    services = ["http"]
  }
  step "file" "index" {
    path    = "/var/www/html/index.php"
    content = "<?php echo gethostname(); phpinfo(); ?>\n"
  }
  step "service" "httpd" {
    name = "httpd" # enabled and started
  }
  step "http" "serves" {
    port          = 80
    expect_status = 200
  }
}

resource "image" "web" {
  name        = "rocky9-web"
  description = "Rocky Linux 9 with Apache and PHP"
  os_type     = "Rocky Linux 9"
  pipeline    = pipeline.httpd
  public      = true # featured, dynamically_scalable, requires_hvm, password_enabled: as in the dialog
  source {
    template = var.source_template
    offering = var.offering
    network  = network.web.id
  }
  keep {
    images           = 2 # old versions, for rollback
    source_snapshots = 3 # VM snapshots of the origin machine
  }
}

resource "load_balancer" "web" {
  network      = network.web.id
  public_port  = 80
  private_port = 80
  algorithm    = "roundrobin"
}

resource "autoscale_group" "web" {
  load_balancer = load_balancer.web.id
  network       = network.web.id
  template      = image.web.id
  offering      = var.offering
  min_members   = 2
  max_members   = 6
  scale_up "cpu" {
    duration = "60s"
    condition {
      counter   = "cpu"
      operator  = ">"
      threshold = 70
    }
  }
  scale_down "idle" {
    duration = "120s"
    condition {
      counter   = "cpu"
      operator  = "<"
      threshold = 20
    }
  }
  rollout {
    strategy        = "surge"
    max_surge       = 1
    max_unavailable = 0
    ready_timeout   = "5m"
    on_failure      = "rollback"
  }
}

output "url" {
  value = "http://${load_balancer.web.address}/"
}
