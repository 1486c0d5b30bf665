(function () {
    "use strict";
    var root = document.documentElement, charts = [], CURVES = 8;

    addEventListener("error", function (event) { root.dataset.error = event.message; });
    document.addEventListener("securitypolicyviolation", function (event) {
        root.dataset.violation = event.violatedDirective + " " + event.blockedURI;
    });

    function colour(name) {
        return getComputedStyle(root).getPropertyValue("--" + name).trim();
    }
    /* A line alone has its legend's colour, the first, only where it stands out. */
    function colours(figure, count) {
        var first = count > 1 || figure.classList.contains("marked") ? 0 : 1;
        return Array.from({ length: count }, function (_, i) {
            return colour("curve-" + (first + i) % CURVES);
        });
    }
    function look(figure, count) {
        return {
            colors: colours(figure, count), gridLineColor: colour("grid"), axisLineColor: colour("line")
        };
    }
    function two(number) { return String(number).padStart(2, "0"); }
    function moment(time) {
        var at = new Date(time);
        return at.getUTCFullYear() + "-" + two(at.getUTCMonth() + 1) + "-" + two(at.getUTCDate()) + " " +
            two(at.getUTCHours()) + ":" + two(at.getUTCMinutes()) + ":" + two(at.getUTCSeconds());
    }
    function exact(value) {
        return value.toLocaleString("en-US", { maximumFractionDigits: 3 });
    }
    function compact(value) {
        return value.toLocaleString("en-US", { notation: "compact", maximumSignificantDigits: 4 });
    }

    /* Lines have times of their own: one row a time, null where a line has no point. */
    function merge(chart, base) {
        var rows = new Map();
        chart.lines.forEach(function (line, number) {
            for (var i = 0; i < line.points.length; i += 2) {
                var time = base + line.points[i];
                if (!rows.has(time))
                    rows.set(time, [new Date(time)].concat(chart.lines.map(function () { return null; })));
                rows.get(time)[number + 1] = line.points[i + 1];
            }
        });
        return Array.from(rows.values()).sort(function (a, b) { return a[0] - b[0]; });
    }

    function draw(figure, chart, base) {
        var plot = figure.querySelector(".plot"), says = figure.querySelector("p"), said = says.textContent;
        var rows = merge(chart, base), lines = chart.lines.length;
        var options = Object.assign({
            /* Names never get to the library, which would take them for HTML. */
            labels: ["time"].concat(chart.lines.map(function (_, i) { return "line " + i; })),
            legend: "never", labelsUTC: true, connectSeparatedPoints: true,
            strokeWidth: rows.length > 400 ? 0.9 : 1.6, fillGraph: lines === 1, fillAlpha: 0.1, includeZero: chart.zero,
            drawPoints: rows.length <= 40 * lines, pointSize: 1.6, highlightCircleSize: 3.5,
            gridLineWidth: 1, rightGap: 12, xRangePad: 4,
            axes: { x: { drawGrid: false }, y: { axisLabelWidth: 52, axisLabelFormatter: compact } },
            highlightCallback: function (event, time, points) {
                says.textContent = moment(time) + "   " + points.map(function (point) {
                    var label = chart.lines[Number(point.name.slice(5))].label;
                    return (lines > 1 ? label + ": " : "") + exact(point.yval);
                }).join(", ");
            },
            unhighlightCallback: function () { says.textContent = said; }
        }, look(figure, lines));
        var graph = new Dygraph(plot, rows, options);
        charts.push({ graph: graph, figure: figure, lines: lines });
        return painted(plot) ? lines : 0;
    }
    function painted(plot) {
        return Array.from(plot.querySelectorAll("canvas")).some(function (canvas) {
            var bytes = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
            return bytes.some(function (byte) { return byte !== 0; });
        });
    }
    function redraw() {
        charts.forEach(function (chart) {
            chart.graph.updateOptions(look(chart.figure, chart.lines));
        });
    }

    var data = JSON.parse(document.getElementById("data").textContent), curves = 0;
    data.charts.forEach(function (chart, number) {
        curves += draw(document.getElementById("chart-" + number), chart, data.base);
    });
    root.dataset.curves = String(curves);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
    addEventListener("beforeprint", redraw);
    addEventListener("afterprint", redraw);
})();
