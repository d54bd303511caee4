resource "network" "build" {
  name = "build"
  egress {
    protocol = "all"
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
    content = "<?php echo gethostname(); ?>\n"
  }
  step "service" "httpd" {
    name = "httpd"
  }
  step "http" "serves" {
    expect_status = 200
  }
}

resource "image" "web" {
  name     = "rocky9-web"
  os_type  = "Rocky Linux 9"
  pipeline = pipeline.httpd
  source {
    template = "Rocky Linux 9"
    offering = "Medium Instance"
    network  = network.build.id
  }
  keep {
    images = 2
  }
}
