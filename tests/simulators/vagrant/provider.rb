# A provider for the real Vagrant whose machines are simulated ones (tests/simulators/machine): a real system with a
# real SSH server on a disk that was in the box and is packed again. Loaded from a home's Vagrantfile, which calls
# `Simulated.provide`; it takes the place of a provider of that name.
#
# What runs outlives the command that started it, as with the real providers, and knows nothing of its environment.
require "vagrant"
require "fileutils"
require "json"
require "securerandom"

module Simulated
  DISKS = { ".img" => "qcow2", ".vmdk" => "vmdk" }

  class << self
    attr_reader :settings

    # python, project: what runs machines, and niceness: how much they give way; subnet: "10.231.7."; claims: a folder for the addresses in use;
    # fault: nil, "up", "hang", "deaf" (hangs, whoever interrupts it), "silent" (no SSH) or "package"
    def provide(names, **settings)
      @settings = settings
      names.each { |name| Plugin.offer(name.to_sym) }
    end

    def fault?(name) = settings[:fault] == name
    def fail!(name) = (raise Fault if fault?(name))
  end

  class Fault < Vagrant::Errors::VagrantError
    def error_message = "The simulated provider fails, as it was asked to."
  end

  class Guest
    def initialize(machine)
      @machine = machine
      @folder = machine.data_dir
    end

    def create(box)
      disk = disk_in(box)
      convert(disk, DISKS[disk.extname], path("disk.raw"), "raw")
      path("address").write(claim)
      @machine.id = SecureRandom.uuid
    end

    def start
      log = path("log")
      pid = Process.spawn(
        { "PATH" => ENV["PATH"], "PYTHONPATH" => Simulated.settings[:project] },
        "nice", "-n", Simulated.settings[:niceness], Simulated.settings[:python], "-m", "tests.simulators.machine", "run", path("disk.raw").to_s,
        "--address", address, "--console", path("console").to_s, "--hostname", "vagrant", "--user", "vagrant",
        unsetenv_others: true, close_others: true, pgroup: true, in: File::NULL, out: log.to_s, err: log.to_s,
        chdir: Simulated.settings[:project]
      )
      path("pid").write(pid)
      watcher = Process.detach(pid)
      sleep 0.05 until log.read.include?("booting") || !watcher.alive?
      raise log.read unless running?
    end

    def running?
      return false unless path("pid").exist?
      process = Pathname.new("/proc/#{path("pid").read}")
      process.join("cmdline").read.include?(path("disk.raw").to_s) && process.join("stat").read !~ /\) Z/
    rescue Errno::ENOENT, Errno::ESRCH
      false
    end

    def stop(signal)
      return unless running?
      Process.kill(signal, path("pid").read.to_i)
      sleep 0.05 while running?
    end

    def remove
      stop("KILL")
      File.delete(File.join(Simulated.settings[:claims], address)) if path("address").exist?
      %w(disk.raw address console log pid).each { |name| FileUtils.rm_f(path(name)) }
      @machine.id = nil
    end

    def pack(box, folder)
      disk = disk_in(box)
      convert(path("disk.raw"), "raw", folder.join(disk.basename), DISKS[disk.extname])
      box.children.select { |file| %w(.ovf .vmx).include?(file.extname) }.each { |file| FileUtils.cp(file, folder) }
      provider = @machine.provider_name.to_s
      extra = provider == "libvirt" ? { "format" => "qcow2", "virtual_size" => 1 } : {}
      folder.join("metadata.json").write(JSON.dump({ "provider" => provider, **extra }))
      said = provider == "libvirt" ? 'config.vm.provider(:libvirt) { |l| l.driver = "kvm" }' :
        'config.vm.base_mac = "080027A1B2C3"'
      folder.join("Vagrantfile").write("Vagrant.configure(\"2\") do |config|\n  #{said}\nend\n")
    end

    def address = path("address").read

    private

    def path(name) = @folder.join(name)
    def disk_in(box) = box.children.find { |file| DISKS.key?(file.extname) }

    def convert(source, from, target, to)
      argv = ["qemu-img", "convert", "-f", from, "-O", to, source.to_s, target.to_s]
      result = Vagrant::Util::Subprocess.execute(*argv)
      raise result.stderr unless result.exit_code == 0
    end

    def claim
      (10..250).each do |last|
        address = "#{Simulated.settings[:subnet]}#{last}"
        File.open(File.join(Simulated.settings[:claims], address), File::CREAT | File::EXCL).close
        return address
      rescue Errno::EEXIST
        next
      end
      raise "the simulated provider has no address left"
    end
  end

  # A step is a block; a creating one is undone when the command is interrupted after it.
  class Step
    def initialize(app, _env, block) = (@app, @block = app, block)
    def call(env) = (@block.call(env); @app.call(env))
  end

  class Create
    def initialize(app, _env) = @app = app

    def call(env)
      env[:ui].output("Creating the machine")
      Guest.new(env[:machine]).create(env[:machine].box.directory) unless env[:machine].id
      @app.call(env)
    end

    def recover(env) = (Guest.new(env[:machine]).remove if env[:interrupted] && env[:machine].id)
  end

  module Actions
    BUILTIN = Vagrant::Action::Builtin
    GENERAL = Vagrant::Action::General
    extend self

    def start(env)
      Simulated.fail!("up")
      env[:ui].output("Booting the machine")
      sleep 0.1 while Simulated.fault?("deaf") || (Simulated.fault?("hang") && !env[:interrupted])
      Guest.new(env[:machine]).start unless env[:interrupted] || Guest.new(env[:machine]).running?
    end

    def action_up = chain(BUILTIN::ConfigValidate, BUILTIN::HandleBox, Create, method(:start),
      [BUILTIN::WaitForCommunicator, [:running]])
    def action_halt = chain(->(env) { Guest.new(env[:machine]).stop("TERM") if env[:machine].id })
    def action_destroy = chain(->(env) { Guest.new(env[:machine]).remove if env[:machine].id })

    def action_package = chain(
      ->(_) { Simulated.fail!("package") },
      ->(env) { Guest.new(env[:machine]).stop("TERM") },
      GENERAL::PackageSetupFolders, GENERAL::PackageSetupFiles, GENERAL::Package,
      ->(env) { Guest.new(env[:machine]).pack(env[:machine].box.directory, Pathname.new(env["package.directory"])) }
    )

    private

    def chain(*steps)
      Vagrant::Action::Builder.new.tap do |builder|
        steps.each { |step| step.respond_to?(:call) ? builder.use(Step, step) : builder.use(*step) }
      end
    end
  end

  class Provider < Vagrant.plugin("2", :provider)
    def self.usable?(_ = false) = true
    def self.installed? = true
    def initialize(machine) = @machine = machine
    def action(name) = Actions.respond_to?("action_#{name}") ? Actions.send("action_#{name}") : nil

    def ssh_info
      return unless state.id == :running
      { host: Guest.new(@machine).address, port: Simulated.fault?("silent") ? 9 : 22, username: "vagrant" }
    end

    def state
      id = !@machine.id ? :not_created : Guest.new(@machine).running? ? :running : :poweroff
      Vagrant::MachineState.new(id, id.to_s, "The simulated machine is #{id}.")
    end

    def to_s = "Simulated"
  end

  class AnyConfig < Vagrant.plugin("2", :config)
    def method_missing(*) = self
    def respond_to_missing?(*) = true
    def finalize!; end
    def to_s = "Simulated"
  end

  class Plugin < Vagrant.plugin("2")
    name "simulated provider"

    def self.offer(name)
      provider(name, box_format: name.to_s, priority: 99) { Provider }
      config(name, :provider) { AnyConfig } unless name == :virtualbox # whose own comes with Vagrant
    end
  end
end
