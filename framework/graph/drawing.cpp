#include "graph/drawing.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numbers>

namespace threepc::graph {
namespace {

constexpr double size = 800, radius = 330, centre_x = 400, centre_y = 430;
constexpr Node most_named = 100;  // more names would cover each other

struct Point {
  double x, y;
};

Point place(const Graph& graph, Node v, double distance) {
  const double angle = 2 * std::numbers::pi * v / graph.nodes;
  return {centre_x + distance * std::sin(angle), centre_y - distance * std::cos(angle)};
}

template <class... Values>
std::string formatted(const char* form, Values... values) {
  char text[256];
  std::snprintf(text, sizeof text, form, values...);
  return text;
}

/// As text of XML, which has no control characters.
std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else
      out += static_cast<unsigned char>(c) < ' ' ? '?' : c;
  }
  return out;
}

std::string lines(const Graph& graph, std::span<const Edge> edges, const char* style) {
  std::string out = formatted("<g %s>\n", style);
  for (const Edge& edge : edges) {
    const Point a = place(graph, edge.u, radius), b = place(graph, edge.v, radius);
    out += formatted("<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n", a.x, a.y, b.x, b.y);
  }
  return out + "</g>\n";
}

/// Dots that do not touch, and names beside them while there is room.
std::string nodes(const Graph& graph) {
  const double dot = std::clamp(0.35 * 2 * std::numbers::pi * radius / graph.nodes, 1.5, 9.0);
  std::string out = "<g fill=\"#0072b2\">\n";
  for (Node v = 0; v < graph.nodes; ++v) {
    const Point at = place(graph, v, radius);
    out += formatted("<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\"/>\n", at.x, at.y, dot);
  }
  out += "</g>\n<g font-size=\"12\" text-anchor=\"middle\" dominant-baseline=\"central\">\n";
  for (Node v = 0; v < graph.nodes && graph.nodes <= most_named; ++v) {
    const Point at = place(graph, v, radius + dot + 13);
    out += formatted("<text x=\"%.1f\" y=\"%.1f\">%u</text>\n", at.x, at.y, v);
  }
  return out + "</g>\n";
}

/// So many edges that they make one black disc are drawn thinner.
std::string plain_style(const Graph& graph) {
  const double edges = static_cast<double>(graph.edges.size());
  return formatted("stroke=\"#999999\" stroke-width=\"%.2f\"", std::clamp(300 / (edges + 1), 0.1, 1.2));
}

}  // namespace

std::string to_svg(const Graph& graph, std::span<const Edge> bold, const std::string& title) {
  return formatted("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" font-family=\"sans-serif\">\n",
                   size, size) +
         "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n<text x=\"400\" y=\"32\" font-size=\"16\" "
         "text-anchor=\"middle\">" +
         escaped(title) + "</text>\n" + lines(graph, graph.edges, plain_style(graph).c_str()) +
         lines(graph, bold, "stroke=\"#d55e00\" stroke-width=\"2.5\"") + nodes(graph) + "</svg>\n";
}

}  // namespace threepc::graph
