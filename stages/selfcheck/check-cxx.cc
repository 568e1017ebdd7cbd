// Uses what only works when libstdc++, libgcc_s and the C library fit each other: exceptions across the libraries,
// run-time types, threads, locales and streams. Prints one line; status 0: all as expected.

#include <algorithm>
#include <atomic>
#include <iostream>
#include <memory>
#include <numeric>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

struct Shape {
    virtual ~Shape() = default;
    virtual int corners() const = 0;
};

struct Triangle final : Shape {
    int corners() const override { return 3; }
};

// Thrown in libstdc++, unwound by libgcc_s, caught here as its base class.
bool exceptions() {
    try {
        (void)std::vector<int>(2).at(7);
    } catch (const std::logic_error &error) {
        return std::string(error.what()).find("range") != std::string::npos;
    }
    return false;
}

bool run_time_types() {
    std::unique_ptr<Shape> shape = std::make_unique<Triangle>();
    return dynamic_cast<Triangle *>(shape.get()) != nullptr && shape->corners() == 3;
}

bool threads() {
    std::atomic<int> sum{0};
    std::vector<std::thread> workers;
    for (int part = 1; part <= 4; ++part)
        workers.emplace_back([&sum, part] { sum += part; });
    for (auto &worker : workers)
        worker.join();
    return sum == 10;
}

bool thread_exceptions() {
    bool caught = false;
    std::thread([&caught] {
        try {
            throw std::runtime_error("in a thread");
        } catch (const std::exception &) {
            caught = true;
        }
    }).join();
    return caught;
}

bool streams() {
    std::vector<int> numbers(10);
    std::iota(numbers.rbegin(), numbers.rend(), 0);
    std::sort(numbers.begin(), numbers.end());
    std::ostringstream text;
    for (int number : numbers)
        text << number;
    return text.str() == "0123456789";
}

} // namespace

int main() {
    const struct {
        const char *name;
        bool (*holds)();
    } checks[] = {
        {"exceptions", exceptions}, {"run-time types", run_time_types},       {"threads", threads},
        {"streams", streams},       {"exceptions in threads", thread_exceptions},
    };
    for (const auto &check : checks) {
        if (!check.holds()) {
            std::cerr << "C++: " << check.name << " do not work" << std::endl;
            return 1;
        }
    }
    std::cout << "C++: all " << std::size(checks) << " work" << std::endl;
}
